// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.io.Npy;
import dev.sextant.models.Network;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant forward}: numbers in, numbers out, to hold Sextant against another framework. */
@Command(
    name = "forward",
    description = {
        "Run a network on an array, without any picture.",
        "",
        "X.npy holds float32 of shape N x C x H x W (one image may leave N out), already normalised; any N, and any H x W that the "
            + "network's layers allow. Y.npy receives the outputs before any softmax, float32 of shape N x classes; of an ONNX file, whose first input "
            + "X.npy is, its first output as it is."
    },
    footer = {
        "  sextant forward resnet50 --weights resnet50.safetensors --input x.npy --output logits.npy --precision strict",
        "  sextant forward --onnx resnet50.onnx --input x.npy --output y.npy"
    })
final class Forward implements Callable<Integer> {
    /** Images in one run; larger inputs take several, so that memory stays bounded. */
    private static final int BATCH = 16;

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "M", converter = NetworkConverter.class,
        description = "Network, one of those that 'sextant models' lists.")
    private Network network;

    @Mixin
    private OnnxFile onnx;

    @Option(names = "--weights", paramLabel = "F", description = "Its parameters: a safetensors file, or PyTorch's .pth.")
    private Path weights;

    @Option(names = "--input", required = true, paramLabel = "X.npy", description = "What goes in.")
    private Path input;

    @Option(names = "--output", required = true, paramLabel = "Y.npy", description = "Where the result goes.")
    private Path output;

    @Mixin
    private RunOptions run;

    @Override
    public Integer call() throws IOException {
        onnx.requireInPlaceOf(network == null ? List.of() : List.of(network));
        if (onnx.isGiven() == (weights != null)) {
            throw new ParameterException(spec.commandLine(), onnx.isGiven() ? "expects --weights F or --onnx F, found both"
                : "Missing required option: '--weights=F'");
        }
        var found = Npy.read(Failure.readable(input));
        try (var model = onnx.isGiven() ? onnx.load() : Pretrained.load(network, weights, null); var device = run.device()) {
            Npy.write(output, predict(model, device, images(found, model.network())));
        }
        return 0;
    }

    /** The batch in the file, checked against the network. */
    private Tensor images(Tensor found, Network network) {
        var shape = found.shape();
        long image = network.input().elements();
        if (onnx.isGiven() && shape.elements() > 0 && shape.elements() % image == 0 && shape.rank() != 4) {
            return found.reshape(network.input().prepend(Math.toIntExact(shape.elements() / image)));
        }
        var batch = shape.rank() == 3 ? found.reshape(shape.prepend(1)) : found;
        if (batch.shape().rank() != 4 || batch.shape().dim(1) != network.input().dim(0) || batch.shape().elements() == 0) {
            throw new IllegalArgumentException(input + ": " + network.name() + " expects a batch of images as in "
                + network.input().prepend(1) + ", found " + shape);
        }
        return batch;
    }

    private Tensor predict(Model model, Device device, Tensor images) {
        int n = images.shape().dim(0);
        var classes = model.network().output();
        var result = MemorySegment.ofArray(new float[Math.toIntExact(n * classes.elements())]);
        for (int done = 0; done < n; ) {
            int batch = Math.min(BATCH, n - done);
            try (var predictor = run.predictor(model, device, images.shape().dropFirst().prepend(batch))) {
                for (; done + batch <= n; done += batch) {
                    var part = predictor.predict(rows(images, done, batch)).data();
                    MemorySegment.copy(part, 0, result, done * classes.elements() * Float.BYTES, part.byteSize());
                }
            }
        }
        return Tensor.of(classes.prepend(n), result);
    }

    /** Images {@code from} to {@code from + count} of a batch, without a copy. */
    private static Tensor rows(Tensor images, int from, int count) {
        var image = images.shape().dropFirst();
        long bytes = image.elements() * ValueLayout.JAVA_FLOAT.byteSize();
        return Tensor.of(image.prepend(count), images.data().asSlice(from * bytes, count * bytes));
    }
}
