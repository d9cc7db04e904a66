// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.Predictor;
import dev.sextant.Shape;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** How a network runs: the options that {@code classify}, {@code forward}, {@code bench} and {@code profile} share. */
final class RunOptions extends DeviceOptions {
    @Option(names = "--precision", paramLabel = "P", defaultValue = "fp32", converter = PrecisionConverter.class,
        description = "fp32: float32, the fastest kernels (default); strict: float32, every product summed directly (no Winograd); "
            + "tf32: shorter factors, as a GPU's tensor cores take them (cuda); "
            + "bf16: half the bits between input and output (AVX512_BF16 or cuda); fp16: the same with half precision (cuda); "
            + "int8: a quarter, for weights that 'sextant calibrate' made (AVX512_BF16).")
    private Precision precision;

    @Option(names = "--tune", description = "Time the kernels that could do each convolution and take the fastest; what is found is kept for later runs.")
    private boolean tune;

    Precision precision() {
        return precision;
    }

    /** A predictor for a batch of shape {@code n c h w}; what there is to say about its making goes to standard error. */
    Predictor predictor(Model model, Device device, Shape batch) {
        return predictor(model, device, batch, false);
    }

    /** The same with input and output in the memory of a GPU, for what measures without copies. */
    Predictor predictor(Model model, Device device, Shape batch, boolean resident) {
        if (resident && !isGpu()) throw new ParameterException(spec.commandLine(), "--resident: is for --device cuda");
        var options = Predictor.Options.of(batch).withPrecision(precision).withTuning(tune).withResident(resident);
        var predictor = model.predictor(device, options);
        for (var note : predictor.notes()) spec.commandLine().getErr().println("sextant: " + note);
        return predictor;
    }

    /** What ran, in a few words: {@code avx512, 2 threads, fp32} or {@code cuda:0 sm_90, bf16}. */
    String on(Device device) {
        return on(device.info());
    }

    String on(Device.Info info) {
        return instructions(info) + ", " + precision;
    }

    static final class PrecisionConverter implements ITypeConverter<Precision> {
        @Override
        public Precision convert(String text) throws Exception {
            return Failure.asUsage(() -> Precision.parse(text));
        }
    }
}
