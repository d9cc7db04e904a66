// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Parameters;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.FormatException;
import dev.sextant.models.Network;
import dev.sextant.nn.Layers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;

/**
 * Networks as ONNX files (onnx.ai, onnx.proto3; operators of version 7 to 22). What a file says becomes the same description that
 * networks of one's own are made of: it is compiled, measured, looked at and trained like these.
 *
 * <p>Operators: Conv, BatchNormalization, Relu, Tanh, Sigmoid, Clip, MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool, Concat,
 * Add, Sum, Mul by constants, Gemm, MatMul, Flatten, Reshape, Squeeze, Unsqueeze, Transpose, LRN, Softmax, LogSoftmax, Dropout, Pad,
 * Constant, ConstantOfShape, Identity; of constants, as exporters write them to compute shapes, Shape, Gather, Slice, Cast, Sub and
 * Div. Numbers of any real type are taken as float32. Inputs are {@code n c h w}; rows ({@code n c w}), volumes and matrices are given
 * in the same order as an {@code n c h w} that holds as many, and what a file transposes from {@code n h w c} first is taken as
 * {@code n c h w} at once.
 */
public final class Onnx {
    private Onnx() {}

    /**
     * How to read a file.
     *
     * @param constants values for inputs of the graph other than the first, by name
     * @param output name of the value to compute; null for the graph's first output
     * @param input shape of one image for a file that leaves it open; null for the file's own
     * @param logits whether a softmax at the end is left out
     */
    public record Options(Map<String, Tensor> constants, String output, Shape input, boolean logits) {
        /** Everything as the file has it. */
        public static final Options DEFAULT = new Options(Map.of(), null, null, false);

        public Options {
            constants = Map.copyOf(constants);
        }

        public Options withConstants(Map<String, Tensor> constants) {
            return new Options(constants, output, input, logits);
        }

        public Options withOutput(String output) {
            return new Options(constants, output, input, logits);
        }

        public Options withInput(Shape input) {
            return new Options(constants, output, input, logits);
        }

        /** The same without a softmax at the end, as networks of one's own have it. */
        public Options withLogits() {
            return new Options(constants, output, input, true);
        }
    }

    /** As {@link #load(Path, Options)} with everything as the file has it. */
    public static Model load(Path file) throws IOException {
        return load(file, Options.DEFAULT);
    }

    /**
     * Opens an ONNX file, with those beside it that hold its tensors. It is mapped, not read, and should not be overwritten as
     * long as the model is open.
     *
     * @return the network, called like the file, with its weights; to be closed by the caller
     * @throws FormatException if the file is no ONNX model or contradicts itself, naming file, node and operator, what was expected
     *     and found
     * @throws UnsupportedOperationException if it asks for an operator, an attribute or a shape that is not known here, naming these
     * @throws IOException if the file cannot be read
     */
    public static Model load(Path file, Options options) throws IOException {
        var arena = Arena.ofShared();
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var document = DocumentReader.read(file.toString(), Channels.newInputStream(channel));
            var imported = Import.of(document, new StoredNumbers(file, channel, arena), options);
            var weights = new ImportedWeights(file.toString(), arena, imported.weights(), document.metadata());
            try {
                return Model.of(network(file, imported, document.metadata()), weights);
            } catch (IllegalArgumentException | ArithmeticException e) {
                throw new FormatException(file + ": " + e.getMessage(), e);
            }
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Writes a model with its weights, any number of images at a time, float32, operators of version 17; how pictures are prepared and what
     * classes are called go into its metadata. What is there is replaced once all is written.
     *
     * @throws UnsupportedOperationException for a layer without counterpart in ONNX, naming it, or 2 GiB of weights
     * @throws IOException if the file cannot be written
     */
    public static void save(Model model, Path file) throws IOException {
        var network = model.network();
        var notes = new TreeMap<String, String>();
        if (network.takesPictures()) notes.putAll(network.preprocessing().toMetadata());
        if (!network.labels().equals(Labels.numbers(network.labels().size()))) notes.putAll(network.labels().toMetadata());
        DocumentWriter.write(model.trace(network.input().prepend(1)), model.parameters(), notes, true, file);
    }

    /** Writes a graph as it was traced, for as many images as it is for; input and output are called so. */
    public static void save(Graph graph, Parameters parameters, Path file) throws IOException {
        DocumentWriter.write(graph, parameters, Map.of(), false, file);
    }

    private static Network network(Path file, Import.Result imported, Map<String, String> metadata) {
        var name = file.getFileName().toString();
        name = name.endsWith(".onnx") && name.length() > 5 ? name.substring(0, name.length() - 5) : name;
        var input = imported.input();
        int outputs = Math.toIntExact(Layers.inference(imported.network(), input).output().elements());
        var preprocessing = Preprocessing.fromMetadata(metadata)
            .filter(p -> Shape.of(p.channels(), p.height(), p.width()).equals(input)).orElseGet(() -> usual(input));
        var labels = Labels.fromMetadata(metadata).filter(found -> found.size() == outputs)
            .orElseGet(() -> outputs == 1000 && input.dim(0) == 3 ? Labels.imagenet() : Labels.numbers(outputs));
        return new Network(name, imported.network(), input, preprocessing, labels);
    }

    /** What most models of such an input expect: colours as for ImageNet, gray as for MNIST; null where it can hardly be a picture. */
    private static Preprocessing usual(Shape input) {
        int c = input.dim(0), h = input.dim(1), w = input.dim(2);
        if (c != 1 && c != 3 || Math.min(h, w) < 8 || Math.max(h, w) > 4096) return null;
        return (c == 3 ? Preprocessing.IMAGENET : Preprocessing.MNIST).at(h, w);
    }
}
