// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.Predictor;
import dev.sextant.Shape;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** How a network runs: the options that {@code classify}, {@code forward}, {@code bench} and {@code profile} share. */
final class RunOptions {
    @Spec(Target.MIXEE)
    private CommandSpec spec;

    private Integer threads;

    @Option(names = "--precision", paramLabel = "P", defaultValue = "fp32", converter = PrecisionConverter.class,
        description = "fp32: float32, the fastest kernels (default); strict: float32, every product summed directly (no Winograd); "
            + "bf16: half the bits between input and output (AVX512_BF16); "
            + "int8: a quarter, for weights that 'sextant calibrate' made.")
    private Precision precision;

    @Option(names = "--tune", description = "Time the kernels that could do each convolution and take the fastest; what is found is kept for later runs.")
    private boolean tune;

    @Option(names = "--threads", paramLabel = "N", description = "Threads; as many as this process may use cores if not given.")
    void threads(int threads) {
        if (threads < 1) throw new ParameterException(spec.commandLine(), "--threads: expects at least 1, found " + threads);
        this.threads = threads;
    }

    Precision precision() {
        return precision;
    }

    /** A predictor for a batch of shape {@code n c h w}; what there is to say about its making goes to standard error. */
    Predictor predictor(Model model, Device device, Shape batch) {
        var predictor = model.predictor(device, on(batch));
        for (var note : predictor.notes()) spec.commandLine().getErr().println("sextant: " + note);
        return predictor;
    }

    private Predictor.Options on(Shape batch) {
        return Predictor.Options.of(batch).withPrecision(precision).withTuning(tune);
    }

    /** A device of the asked-for number of threads, to be closed by the caller. */
    Device device() {
        return Device.cpu(threads == null ? 0 : threads);
    }

    /** What ran, in a few words: {@code avx512, 2 threads, fp32}. */
    String on(Device device) {
        return on(device.info());
    }

    String on(Device.Info info) {
        return info.isaName() + ", " + info.threads() + (info.threads() == 1 ? " thread, " : " threads, ") + precision;
    }

    static final class PrecisionConverter implements ITypeConverter<Precision> {
        @Override
        public Precision convert(String text) throws Exception {
            return Failure.asUsage(() -> Precision.parse(text));
        }
    }
}
