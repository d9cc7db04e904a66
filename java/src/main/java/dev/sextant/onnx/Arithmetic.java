// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.nn.Activation;
import dev.sextant.nn.BatchNorm;
import dev.sextant.nn.Dropout;
import dev.sextant.nn.Lrn;
import dev.sextant.nn.Softmax;
import dev.sextant.onnx.Operand.Feature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Operators that compute without windows: sums and products, norms, functions of each element, softmax. */
final class Arithmetic {
    private final Wiring wiring;
    private final Naming naming;

    Arithmetic(Wiring wiring, Naming naming) {
        this.wiring = wiring;
        this.naming = naming;
    }

    // ------------------------------------------------------------------------------------------ functions of each element

    Operand activation(Call call, Activation.Function function) throws IOException {
        call.attributes().requireNoOther();
        var feature = call.feature(0);
        var made = wiring.layer(call.name(), new Activation(function), feature);
        return new Feature(made.number(), made.shape(), feature.dims(), feature.order());
    }

    /** {@code max(x, a) = relu(x - a) + a} and {@code min(y, b) = b - relu(b - y)}. */
    Operand clip(Call call) throws IOException {
        float least = Float.NEGATIVE_INFINITY, most = Float.POSITIVE_INFINITY;
        if (call.opset() < 11) {
            least = call.attributes().real("min", -Float.MAX_VALUE);
            most = call.attributes().real("max", Float.MAX_VALUE);
        } else {
            if (call.has(1)) least = call.number(1, "the least value");
            if (call.has(2)) most = call.number(2, "the greatest value");
        }
        call.attributes().requireNoOther();
        if (Float.isNaN(least) || Float.isNaN(most)) throw call.unsupported("clips to what lies between " + least + " and " + most);
        var feature = wiring.plain(call.feature(0));
        var at = feature;
        if (least > -Float.MAX_VALUE) {
            at = wiring.layer(call.name(), new Activation(Activation.Function.RELU), shifted(call, at, 1, -least));
            at = shifted(call, at.as(feature.dims()), 1, least);
        }
        if (most < Float.MAX_VALUE) {
            at = wiring.layer(call.name(), new Activation(Activation.Function.RELU), shifted(call, at, -1, most));
            at = shifted(call, at.as(feature.dims()), -1, most);
        }
        return at.as(feature.dims());
    }

    private Feature shifted(Call call, Feature feature, float factor, float addend) {
        if (factor == 1 && addend == 0) return feature;
        int channels = feature.shape().dim(0);
        return wiring.affine(call.name(), feature, channels, factor == 1 ? null : Numbers.filled(Shape.of(channels), factor),
            addend == 0 ? null : Numbers.filled(Shape.of(channels), addend));
    }

    Operand softmax(Call call, boolean log) throws IOException {
        long stated = call.attributes().integer("axis", call.opset() < 13 ? 1 : -1);
        call.attributes().requireNoOther();
        var feature = wiring.plain(call.feature(0));
        int rank = feature.dims().size(), axis, outer, classes;
        if (call.opset() < 13) {
            // All dimensions from the axis on count as one.
            long first = stated < 0 ? stated + rank + call.lead() : stated;
            if (first < 0 || first > rank + call.lead()) throw call.malformed("expected an axis of the input, found " + stated);
            axis = (int) first - call.lead();
            if (axis < 0) throw call.mixed("works along the dimension of images");
            outer = feature.product(0, axis);
            classes = feature.product(axis, rank);
            return wiring.layer(call.name(), new Softmax(log, outer), wiring.flat(feature)).as(feature.dims());
        }
        axis = call.axis(stated, feature);
        outer = feature.product(0, axis);
        classes = feature.dims().get(axis);
        int inner = feature.product(axis + 1, rank);
        if (inner == 1) return wiring.layer(call.name(), new Softmax(log, outer), wiring.flat(feature)).as(feature.dims());
        // Classes go behind the pixels and back.
        int size = Math.multiplyExact(classes, inner);
        var behind = wiring.mapped(call.name() + ".in", feature, outer, size, size, (_, to) -> to % classes * inner + to / classes, null);
        var made = wiring.layer(call.name(), new Softmax(log, Math.multiplyExact(outer, inner)), wiring.flat(behind));
        return wiring.mapped(call.name() + ".out", made, outer, size, size, (_, to) -> to % inner * classes + to / inner,
            null).as(feature.dims());
    }

    // ------------------------------------------------------------------------------------------ norms

    Operand batchNorm(Call call) throws IOException {
        var feature = call.feature(0);
        double eps = call.attributes().decimal("epsilon", 1e-5), momentum = call.attributes().decimal("momentum", 0.9);
        if (call.attributes().flag("training_mode", false)) throw call.unsupported("attribute 'training_mode' of 1 is not supported");
        if (call.opset() < 7) call.require("is_test", call.attributes().flag("is_test", false), 0);
        call.require("spatial", call.attributes().flag("spatial", true), 0);
        call.attributes().ignore("consumed_inputs");
        call.attributes().requireNoOther();
        for (int i = 1; i < call.node().outputs().size(); i++) {
            if (!call.node().outputs().get(i).isEmpty()) {
                throw call.unsupported("has " + call.node().outputs().size() + " outputs, expected one, that of inference");
            }
        }
        var dims = call.image(feature, 1);
        int channels = dims.getFirst();
        var numbers = new ArrayList<Numbers>();
        for (var what : List.of("the scale", "the shift", "the mean", "the variance")) {
            numbers.add(call.numbers(numbers.size() + 1, what, Shape.of(channels)));
        }
        call.require("epsilon", eps > 0 && eps < 1, eps);
        call.require("momentum", momentum >= 0 && momentum <= 1, momentum);
        var name = naming.of(call, "weight", "bias", "running_mean", "running_var");
        return wiring.layer(name, new BatchNorm(eps, Math.round((1 - momentum) * 1e6) / 1e6), wiring.channels(feature, channels),
            numbers).as(feature.dims());
    }

    Operand lrn(Call call) throws IOException {
        var feature = call.feature(0);
        long size = call.attributes().integer("size", 0);
        double alpha = call.attributes().decimal("alpha", 1e-4), beta = call.attributes().decimal("beta", 0.75),
            k = call.attributes().decimal("bias", 1);
        call.attributes().requireNoOther();
        // Of an even number, one channel more lies behind than in front, and here it is the other way round.
        call.require("size", size > 0 && size < 1 << 20 && size % 2 == 1, size);
        call.require("alpha", alpha >= 0, alpha);
        call.require("beta", beta >= 0, beta);
        call.require("bias", k > 0, k);
        var dims = call.image(feature, 1);
        return wiring.layer(call.name(), new Lrn((int) size, alpha / size, beta, k), wiring.channels(feature,
            dims.getFirst())).as(feature.dims());
    }

    /** What inference does of it: nothing. Training of the network has it. */
    Operand dropout(Call call) throws IOException {
        double ratio = call.attributes().decimal("ratio", 0.5);
        call.attributes().ignore("seed");
        if (call.opset() < 7) call.require("is_test", call.attributes().flag("is_test", false), 0);
        call.attributes().ignore("consumed_inputs");
        call.attributes().requireNoOther();
        if (call.has(1)) ratio = call.number(1, "the ratio");
        if (call.has(2) && call.number(2, "the training mode") != 0 && ratio != 0) {
            throw call.unsupported("drops at random, expected training_mode 0");
        }
        var feature = call.feature(0);
        if (!(ratio > 0 && ratio < 1)) return feature;
        var made = wiring.layer(call.name(), new Dropout(ratio), feature);
        return new Feature(made.number(), made.shape(), feature.dims(), feature.order());
    }

    // ------------------------------------------------------------------------------------------ sums and products

    Operand add(Call call) throws IOException {
        var legacy = legacyAxis(call);
        call.attributes().requireNoOther();
        if (call.inputs().isEmpty()) throw call.malformed("expected inputs, found none");
        Feature sum = null;
        var terms = new ArrayList<Feature>();
        Numbers constant = null;
        for (int i = 0; i < call.inputs().size(); i++) {
            switch (call.inputs().get(i)) {
                case Feature feature -> terms.add(feature);
                case Numbers numbers -> constant = constant == null ? numbers : both(call, constant, numbers, false);
                case null -> throw call.malformed("expected all inputs, found one left out");
            }
        }
        if (terms.isEmpty()) return constant;
        var first = terms.getFirst();
        if (terms.size() == 1) {
            sum = first;
        } else {
            for (var term : terms) {
                if (!term.dims().equals(first.dims())) {
                    throw call.unsupported("adds " + Call.text(first.dims()) + " and " + Call.text(term.dims()) + ", expected one shape");
                }
            }
            boolean alike = terms.stream().allMatch(term -> Objects.equals(term.order(), first.order())
                && term.shape().equals(first.shape()));
            var views = alike ? terms : terms.stream().map(term -> wiring.view(term, wiring.plain(first).shape())).toList();
            var made = wiring.sum(call.name(), views);
            sum = new Feature(made.number(), made.shape(), first.dims(), alike ? first.order() : null);
        }
        return constant == null ? sum : linear(call, sum, constant, legacy, false, terms.size() == 1 && call.inputs().size() <= 2);
    }

    Operand mul(Call call) throws IOException {
        var legacy = legacyAxis(call);
        call.attributes().requireNoOther();
        if (!call.has(0) || !call.has(1)) throw call.malformed("expected 2 inputs, found fewer");
        var a = call.inputs().get(0);
        var b = call.inputs().get(1);
        if (a instanceof Numbers x && b instanceof Numbers y) return both(call, x, y, true);
        if (a instanceof Feature && b instanceof Feature) {
            throw call.unsupported("multiplies two values that depend on the model's input, expected one constant");
        }
        return linear(call, a instanceof Feature x ? x : (Feature) b, a instanceof Numbers x ? x : (Numbers) b, legacy, true, true);
    }

    /** Of versions before 7: the dimension of the first input that the second one begins at; null for none. */
    private static Long legacyAxis(Call call) throws IOException {
        if (call.opset() >= 7) return null;
        call.attributes().ignore("consumed_inputs");
        boolean broadcasts = call.attributes().flag("broadcast", false), has = call.attributes().has("axis");
        long axis = call.attributes().integer("axis", 0);
        return broadcasts && has ? axis : null;
    }

    private static Numbers both(Call call, Numbers a, Numbers b, boolean product) throws IOException {
        int rank = Math.max(a.shape().rank(), b.shape().rank());
        var dims = new ArrayList<Integer>();
        for (int axis = 0; axis < rank; axis++) {
            int x = size(a, axis, rank), y = size(b, axis, rank);
            if (x != y && x != 1 && y != 1) {
                throw call.malformed("expected shapes that go together, found " + a.shape() + " and " + b.shape());
            }
            dims.add(x == 1 ? y : x);
        }
        var shape = new Shape(dims);
        Numbers x = a.broadcast(shape), y = b.broadcast(shape);
        return Numbers.from(shape, arena -> {
            var sum = arena.allocate(shape.elements() * Float.BYTES, 64);
            var left = x.floats(arena);
            var right = y.floats(arena);
            for (long i = 0; i < shape.elements(); i++) {
                float l = left.getAtIndex(Numbers.FLOAT, i), r = right.getAtIndex(Numbers.FLOAT, i);
                sum.setAtIndex(Numbers.FLOAT, i, product ? l * r : l + r);
            }
            return sum;
        }, List.of(x, y));
    }

    private static int size(Numbers numbers, int axis, int rank) {
        int own = axis - (rank - numbers.shape().rank());
        return own < 0 ? 1 : numbers.shape().dim(own);
    }

    /**
     * {@code feature} times, or plus, constants that repeat along some dimensions: one number a channel, for as many channels as it takes.
     */
    Feature linear(Call call, Feature from, Numbers constant, Long legacy, boolean times, boolean merges) throws IOException {
        var dims = new ArrayList<>(constant.shape().dims());
        int rank = from.dims().size() + call.lead();
        if (legacy != null) {
            long axis = legacy < 0 ? legacy + rank : legacy;
            for (long i = axis + dims.size(); i < rank; i++) dims.add(1);
        }
        while (dims.size() > rank && dims.getFirst() == 1) dims.removeFirst();
        if (dims.size() > rank) throw call.unsupported("makes " + constant.shape() + " of a smaller input, expected one of that shape");
        while (dims.size() < rank) dims.addFirst(1);
        if (call.lead() == 1 && dims.removeFirst() != 1) throw call.mixed("has a constant for each image");
        int last = -1;
        for (int axis = 0; axis < dims.size(); axis++) {
            if (dims.get(axis) == 1) continue;
            if (!dims.get(axis).equals(from.dims().get(axis))) {
                throw call.unsupported("takes a constant " + constant.shape() + " to " + Call.text(from.dims())
                    + ", expected shapes that go together");
            }
            last = axis;
        }
        // One number for all goes with the channels as they are.
        if (last < 0 && !dims.isEmpty()) last = 0;
        var feature = wiring.plain(from);
        var whole = new ArrayList<Integer>();
        for (int axis = 0; axis < dims.size(); axis++) whole.add(axis <= last ? feature.dims().get(axis) : 1);
        int channels = Math.toIntExact(new Shape(whole).elements());
        var values = constant.reshaped(new Shape(dims)).broadcast(new Shape(whole)).reshaped(Shape.of(channels));
        var factors = times ? values : null;
        var addends = times ? null : values;
        var made = merges && call.alone() ? wiring.affineAlone(call.name(), feature, channels, factors, addends)
            : wiring.affine(call.name(), feature, channels, factors, addends);
        return made.as(feature.dims());
    }
}
