// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Where a network runs: the options of all commands that run one. */
class DeviceOptions {
    private static final Pattern GPU = Pattern.compile("cuda(?::(\\d{1,4}))?");

    @Spec(Target.MIXEE)
    protected CommandSpec spec;

    private Integer threads;
    /** Of a GPU; null for the processor. */
    private Integer ordinal;

    @Option(names = "--device", paramLabel = "D",
        description = "cpu (default), cuda for the first NVIDIA GPU or cuda:1 for the second; 'sextant devices' lists them.")
    void device(String name) {
        var gpu = GPU.matcher(name);
        if (!name.equals("cpu") && !gpu.matches()) throw wrong("--device: expects cpu, cuda or cuda:N, found '" + name + "'");
        if (!name.equals("cpu")) ordinal = gpu.group(1) == null ? 0 : Integer.parseInt(gpu.group(1));
    }

    @Option(names = "--threads", paramLabel = "N", description = "Threads; as many as this process may use cores if not given.")
    void threads(int threads) {
        if (threads < 1) throw wrong("--threads: expects at least 1, found " + threads);
        this.threads = threads;
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** Whether a GPU was asked for. */
    boolean isGpu() {
        return ordinal != null;
    }

    /** The device that was asked for, to be closed by the caller. */
    Device device() {
        if (isGpu() && threads != null) throw wrong("--threads: is for --device cpu, a GPU takes none");
        return isGpu() ? Device.cuda(ordinal) : Device.cpu(threads == null ? 0 : threads);
    }

    /** The options that lead to a device again. */
    static String words(Device.Info info) {
        return info.kind() == Device.Kind.CPU ? "--threads " + info.threads() : "--device " + info.name();
    }

    /** What computes, for people: {@code 2 threads of AMD EPYC 9B45}, {@code NVIDIA H200}. */
    static String place(Device.Info info) {
        return info.kind() == Device.Kind.CPU ? threads(info) + " of " + info.processor() : info.processor();
    }

    /** Instructions and threads: {@code avx512, 2 threads}; of a GPU {@code cuda:0 sm_90}. */
    static String instructions(Device.Info info) {
        return info.kind() == Device.Kind.CPU ? info.isaName() + ", " + threads(info) : info.name() + " " + info.isaName();
    }

    private static String threads(Device.Info info) {
        return info.threads() + (info.threads() == 1 ? " thread" : " threads");
    }
}
