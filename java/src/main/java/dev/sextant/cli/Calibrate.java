// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Tensor;
import dev.sextant.models.Network;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant calibrate}: from trained weights to those that {@code --precision int8} wants. */
@Command(
    name = "calibrate",
    description = {
        "Make weights for --precision int8: run pictures like those to come, note how large each layer's results become, round the weights.",
        "",
        "A few hundred pictures do. A folder is searched for JPEG, PNG, BMP, GIF, TIFF and WebP files; they are prepared as classify prepares "
            + "them. The file that is written runs in every precision; batch norms are folded into its convolutions."
    },
    footer = {
        "  sextant calibrate resnet50 --weights resnet50.safetensors --images photos --output resnet50-int8.safetensors",
        "  sextant calibrate lenet5_relu --weights lenet5.safetensors --images train-images-idx3-ubyte.gz --output lenet5-int8.safetensors"
    })
final class Calibrate implements Callable<Integer> {
    /** Numbers of an input batch: enough to keep the kernels busy, few enough that all layers' results fit in memory. */
    private static final long NUMBERS = 1 << 19;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "M", converter = NetworkConverter.class,
        description = "Network, one of those that 'sextant models' lists.")
    private Network network;

    @Option(names = "--weights", required = true, paramLabel = "F",
        description = "Its trained parameters: a safetensors file, or PyTorch's .pth.")
    private Path weights;

    @Option(names = "--images", required = true, paramLabel = "DIR",
        description = "A folder of pictures, also in folders within; or a file of many: X.npy as forward takes it, or MNIST's IDX, also gzipped.")
    private Path images;

    @Option(names = "--output", required = true, paramLabel = "Q.safetensors", description = "Where the result goes.")
    private Path output;

    private int limit;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "256",
        description = "How many images to look at, spread evenly over all (default: ${DEFAULT-VALUE}).")
    void limit(int limit) {
        if (limit < 1) throw new ParameterException(spec.commandLine(), "--limit: expects at least 1, found " + limit);
        this.limit = limit;
    }

    @Override
    public Integer call() throws IOException {
        try (var model = Pretrained.load(network, weights, null)) {
            var found = ImageSet.open(images, model.network(), limit);
            int batch = (int) Math.clamp(NUMBERS / model.network().input().elements(), 1, found.count());
            try (var calibration = model.calibration(Device.cpu(), batch)) {
                for (int first = 0; first < found.count(); first += batch) {
                    calibration.observe(batch(found, Math.min(first, found.count() - batch), batch));
                }
                calibration.write(output);
                spec.commandLine().getOut().println(String.format(Locale.ROOT, "%s: ranges of %d layers from %d images, in %s",
                    network.name(), calibration.ranges().byLayer().size(), found.count(), output));
            }
        }
        return 0;
    }

    private static Tensor batch(ImageSet images, int first, int count) throws IOException {
        var shape = images.image();
        int each = Math.toIntExact(shape.elements());
        var values = new float[count * each];
        for (int i = 0; i < count; i++) System.arraycopy(images.read(first + i), 0, values, i * each, each);
        return Tensor.of(shape.prepend(count), values);
    }
}
