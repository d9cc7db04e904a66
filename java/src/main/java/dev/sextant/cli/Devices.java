// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.DeviceException;
import dev.sextant.bindings.SextantLibrary;
import dev.sextant.bindings.sextant_h;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sextant devices}: what a network can run on here. */
@Command(
    name = "devices",
    description = {
        "Show the processor and the GPUs, the instructions in use and the libraries found.",
        "",
        "SEXTANT_ISA=portable, avx2, avx512 or avx512_bf16 takes lesser instructions than the processor has; SEXTANT_LOG=dispatch tells which kernel "
            + "each layer gets, and why others declined."
    },
    footer = "  sextant devices --measure")
final class Devices implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--measure", description = "Also measure what each reaches at best, in about a fifth of a second.")
    private boolean measure;

    @Override
    public Integer call() {
        var out = spec.commandLine().getOut();
        try (var device = Device.cpu(0)) {
            var info = device.info();
            out.println("cpu");
            row("processor", info.processor());
            row("cores", info.cores() + " that this process may use; " + info.threads() + " threads unless --threads says otherwise");
            row("instructions", info.isaName() + forced());
            row("layout", info.order() + ": activations in blocks of " + info.order().block() + " channels");
            if (measure) printPeak(device.measure(), info.threads() == 1 ? " on 1 thread" : " on " + info.threads() + " threads");
            gpus();
            out.println();
            out.println("libraries");
            row("libsextant", sextant_h.sextant_version().getString(0) + " at " + SextantLibrary.load());
            row("oneDNN", "not part of this version: every layer runs on Sextant's own kernels");
            row("Sextant", Version.current() + " on Java " + Runtime.version());
        }
        return 0;
    }

    /** Each, or why there is none. */
    private void gpus() {
        var out = spec.commandLine().getOut();
        out.println();
        int count;
        try {
            count = Device.cudaCount();
        } catch (DeviceException e) {
            out.println("cuda");
            row("none", Failure.sentence(e));
            return;
        }
        for (int i = 0; i < count; i++) {
            out.println((i == 0 ? "" : "\n") + "cuda:" + i);
            try (var device = Device.cuda(i)) {
                var info = device.info();
                row("processor", info.processor() + ", " + info.cores() + " multiprocessors");
                row("capacity", String.format(Locale.ROOT, "%.1f GiB", info.memory() / (double) (1 << 30)));
                row("instructions", info.isaName());
                row("layout", info.order() + ": the channels of each pixel, filled up to a multiple of " + info.order().block());
                if (measure) printPeak(device.measure(), "");
            } catch (DeviceException e) {
                row("unusable", Failure.sentence(e));
            }
        }
    }

    /** @param all what it takes, as the end of a line */
    private void printPeak(Device.Peak peak, String all) {
        row("fp32 peak", Table.number(peak.fp32()) + " GFLOP/s of multiply-adds" + all);
        if (peak.bf16() > 0) row("bf16 peak", Table.number(peak.bf16()) + " GFLOP/s of dot products");
        if (peak.int8() > 0) row("int8 peak", Table.number(peak.int8()) + " GOP/s of dot products");
        row("memory", Table.number(peak.bandwidth()) + " GB/s read" + all);
    }

    private void row(String name, String value) {
        spec.commandLine().getOut().println("  %-14s%s".formatted(name, value));
    }

    private static String forced() {
        var forced = System.getenv("SEXTANT_ISA");
        return forced == null || forced.isEmpty() ? "" : " (SEXTANT_ISA=" + forced + ")";
    }
}
