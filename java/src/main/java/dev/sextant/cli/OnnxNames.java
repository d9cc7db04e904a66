// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.Predictor.Options;
import dev.sextant.Tensor;
import dev.sextant.graph.Constant;
import dev.sextant.io.KeyNames;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.nn.BatchNorm;
import dev.sextant.nn.Conv;
import dev.sextant.nn.Layer;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Parameter.Kind;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * The parameters of a network that was read from an ONNX file, by the names of the same network in the catalogue. ONNX's own names say
 * little: layers are told by their order and shapes, and that these were the right ones by running both.
 */
final class OnnxNames {
    /** Of the largest output: what orders of summation may change. */
    private static final double LARGEST_DIFFERENCE = 1e-4;

    private OnnxNames() {}

    /** All parameters as they are called in the file. What has to be made lies in {@code arena}. */
    static Map<String, Tensor> own(Model onnx, Arena arena) {
        var tensors = new TreeMap<String, Tensor>();
        onnx.trace(onnx.network().input().prepend(1)).parameters()
            .forEach((key, parameter) -> tensors.put(key, Tensor.of(parameter.shape(), onnx.parameters().floats(parameter, arena))));
        return tensors;
    }

    /**
     * All parameters as the catalogue calls them; norms that were folded into convolutions stay so.
     *
     * @param file what messages call the model
     * @throws IllegalArgumentException if it is another network, naming the first layer that differs
     */
    static Map<String, Tensor> as(Network network, Model onnx, Path file, Arena arena) {
        var input = onnx.network().input();
        var fitted = network.classes(Math.toIntExact(onnx.network().output().elements()));
        if (input.rank() == 3 && input.dim(0) == network.input().dim(0)) fitted = fitted.at(input.dim(1), input.dim(2));
        var tensors = matched(fitted, onnx, file, arena);
        try (var named = Model.of(fitted, Weights.of(tensors, file.toString()))) {
            double difference = difference(onnx, named);
            if (!(difference < LARGEST_DIFFERENCE)) {
                throw new IllegalArgumentException(file + ": has the layers of " + network.name() + ", but should compute the same, found "
                    + "outputs that differ by " + Table.number(difference) + " of the largest");
            }
        }
        return tensors;
    }

    private static Map<String, Tensor> matched(Network network, Model onnx, Path file, Arena arena) {
        var tensors = new TreeMap<String, Tensor>();
        var theirs = onnx.network().layers().all().iterator();
        var next = next(theirs);
        boolean isFolded = false; // their convolution has a bias that ours lacks: it is the norm's behind it
        for (var ours : network.layers().all()) {
            if (ours.parameters().isEmpty()) continue;
            if (ours.nn() instanceof BatchNorm && (isFolded || next == null || !(next.nn() instanceof BatchNorm))) {
                isFolded = false;
                continue;
            }
            if (next == null || ours.nn().getClass() != next.nn().getClass()
                || !KeyNames.fits(next.parameters().getFirst().shape(), ours.parameters().getFirst().shape())) {
                throw new IllegalArgumentException(file + ": " + network.name() + " expects " + described(ours) + " for " + ours.path()
                    + ", found " + (next == null ? "nothing more" : described(next) + " in " + next.path()));
            }
            isFolded = ours.nn() instanceof Conv conv && !conv.bias() && next.parameters().size() == 2;
            for (var parameter : next.parameters()) {
                var constant = new Constant.Parameter(parameter.key(), parameter.shape());
                tensors.put(Layers.join(ours.path(), parameter.kind().suffix()),
                    Tensor.of(parameter.shape(), onnx.parameters().floats(constant, arena)));
            }
            for (var parameter : ours.parameters()) {
                if (parameter.kind() == Kind.BIAS) {
                    tensors.computeIfAbsent(parameter.key(), _ -> Tensor.of(parameter.shape(), new float[parameter.shape().dim(0)]));
                }
            }
            next = next(theirs);
        }
        if (next != null) {
            throw new IllegalArgumentException(file + ": " + network.name() + " expects no more layers, found " + described(next) + " in "
                + next.path());
        }
        return tensors;
    }

    /** The next layer that has parameters, or null. */
    private static Layer next(Iterator<Layer> layers) {
        while (layers.hasNext()) {
            var layer = layers.next();
            if (!layer.parameters().isEmpty()) return layer;
        }
        return null;
    }

    private static String described(Layer layer) {
        return layer.type() + " of shape " + layer.parameters().getFirst().shape();
    }

    /** The largest between the two models' results on random numbers, in parts of the largest result. */
    private static double difference(Model a, Model b) {
        var shape = b.network().input().prepend(1);
        var random = new SplittableRandom(1);
        var numbers = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < numbers.length; i++) numbers[i] = (float) random.nextDouble(-1, 1);
        var options = Options.of(shape).withPrecision(Precision.STRICT);
        double largest = 0, difference = 0;
        try (var device = Device.cpu(); var first = a.predictor(device, options); var second = b.predictor(device, options)) {
            float[] x = first.predict(Tensor.of(shape, numbers)).toArray(), y = second.predict(Tensor.of(shape, numbers)).toArray();
            for (int i = 0; i < x.length; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
                difference = Math.max(difference, Math.abs(x[i] - y[i]));
            }
        }
        return difference == 0 ? 0 : difference / largest;
    }
}
