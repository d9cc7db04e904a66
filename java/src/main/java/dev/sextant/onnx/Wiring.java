// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.nn.Add;
import dev.sextant.nn.BatchNorm;
import dev.sextant.nn.Concat;
import dev.sextant.nn.Conv;
import dev.sextant.nn.Flatten;
import dev.sextant.nn.Identity;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Linear;
import dev.sextant.nn.Nn;
import dev.sextant.nn.Parameter;
import dev.sextant.nn.Pool;
import dev.sextant.nn.Reshape;
import dev.sextant.nn.Shapes;
import dev.sextant.nn.Shortcut;
import dev.sextant.nn.Wired;
import dev.sextant.onnx.Operand.Feature;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A network in the making: its parts so far, the numbers that belong to them, and the few forms in which anything else is said. */
final class Wiring {
    /** Weights that a rearrangement may cost: 64 MiB of them. */
    static final long MOST_WEIGHTS = 1 << 24;
    /** What PyTorch's DataParallel puts before names, and loading weights takes off. */
    static final String PARALLEL = "module.";

    private final List<Wired.Part> parts = new ArrayList<>();
    private final List<Shape> shapes = new ArrayList<>();
    private final Map<String, Numbers> weights = new HashMap<>();
    private final Set<String> names = new HashSet<>();
    private final Map<String, Feature> views = new HashMap<>();
    /** Zeros around a plane, by the number of the part that puts them there: what they are around, and top, left, bottom, right. */
    private final Map<Integer, Padded> pads = new HashMap<>();

    record Padded(Feature inner, int top, int left, int bottom, int right) {}

    Wiring(Shape input) {
        shapes.add(input);
    }

    /** The network that makes {@code result}, without what nobody reads. */
    Wired network(Feature result) {
        var used = new HashSet<Integer>();
        used.add(result.number());
        for (int i = parts.size(); i > 0; i--) {
            if (used.contains(i)) used.addAll(parts.get(i - 1).sources());
        }
        var numbers = new int[parts.size() + 1];
        var kept = new ArrayList<Wired.Part>();
        for (int i = 1; i <= parts.size(); i++) {
            if (!used.contains(i)) continue;
            var part = parts.get(i - 1);
            kept.add(new Wired.Part(part.name(), part.nn(), part.sources().stream().map(source -> numbers[source]).toList()));
            numbers[i] = kept.size();
        }
        return new Wired(kept, numbers[result.number()]);
    }

    /** The numbers that {@code network} asks for, by key. */
    Map<String, Numbers> weights(Nn network, Shape input) {
        var found = new HashMap<String, Numbers>();
        for (var parameter : Layers.inference(network, input).parameters()) found.put(parameter.key(), weights.get(parameter.key()));
        return found;
    }

    // ------------------------------------------------------------------------------------------ parts

    /** A name like {@code wanted} that nothing has yet. */
    private String fresh(String wanted) {
        while (wanted.startsWith(PARALLEL)) wanted = wanted.substring(PARALLEL.length());
        if (wanted.isEmpty()) wanted = "layer";
        var name = wanted;
        for (int i = 2; !names.add(name); i++) name = wanted + "_" + i;
        return name;
    }

    private Feature part(String name, Nn nn, List<Integer> sources, Shape output) {
        parts.add(new Wired.Part(name, nn, sources));
        shapes.add(output);
        return new Feature(parts.size(), output, output.dims(), null);
    }

    /** One layer without numbers on {@code source} as it lies. */
    Feature layer(String name, Nn nn, Feature source) {
        var own = fresh(name);
        return part(own, nn, List.of(source.number()), Shapes.output(nn, source.shape(), own));
    }

    /** One layer with its numbers, in the order of its parameters. */
    Feature layer(String name, Nn nn, Feature source, List<Numbers> numbers) {
        var own = fresh(name);
        var output = Shapes.output(nn, source.shape(), own);
        var parameters = Layers.parameters(nn, source.shape(), own, false);
        for (int i = 0; i < parameters.size(); i++) give(parameters.get(i), numbers.get(i));
        return part(own, nn, List.of(source.number()), output);
    }

    private void give(Parameter parameter, Numbers numbers) {
        if (!numbers.shape().equals(parameter.shape())) {
            throw new IllegalArgumentException("expected numbers of shape " + parameter.shape() + " for " + parameter.key() + ", found "
                + numbers.shape());
        }
        weights.put(parameter.key(), numbers);
    }

    Feature sum(String name, List<Feature> terms) {
        var own = fresh(name);
        return part(own, new Add(identities(terms)), terms.stream().map(Feature::number).toList(),
            Shapes.add(terms.stream().map(Feature::shape).toList(), own));
    }

    /** Joined along the first dimension of their shapes. */
    Feature joined(String name, List<Feature> terms) {
        var own = fresh(name);
        return part(own, new Concat(identities(terms)), terms.stream().map(Feature::number).toList(),
            Shapes.concat(terms.stream().map(Feature::shape).toList(), own));
    }

    private static List<Nn> identities(List<Feature> terms) {
        return Collections.nCopies(terms.size(), new Identity());
    }

    // ------------------------------------------------------------------------------------------ views

    /** {@code feature} with its elements where they are meant to be, lying in {@code shape}. */
    Feature view(Feature feature, Shape shape) {
        var plain = plain(feature);
        if (plain.shape().equals(shape)) return plain;
        if (shape.elements() != plain.elements()) {
            throw new IllegalArgumentException("expected " + shape.elements() + " values to make " + shape + " of, found " + plain.shape());
        }
        var key = plain.number() + " " + shape;
        var made = views.get(key);
        if (made == null) {
            var name = (plain.number() == 0 ? "input" : parts.get(plain.number() - 1).name())
                + (shape.rank() == 1 ? ".flat" : ".as" + shape);
            made = layer(name, shape.rank() == 1 ? new Flatten() : new Reshape(shape.dim(0), shape.dim(1), shape.dim(2)), plain);
            views.put(key, made);
        }
        return made.as(plain.dims());
    }

    Feature flat(Feature feature) {
        return feature.shape().rank() == 1 && feature.order() == null ? feature : view(feature,
            Shape.of(Math.toIntExact(feature.elements())));
    }

    /** With {@code channels} channels, however many pixels that leaves them; as it lies where it has them. */
    Feature channels(Feature feature, int channels) {
        var shape = feature.shape();
        if (feature.order() == null && shape.rank() == 3 && shape.dim(0) == channels) return feature;
        return view(feature, Shape.of(channels, 1, Math.toIntExact(feature.elements() / channels)));
    }

    /** With its elements where they are meant to be: a pending transposition carried out, by a matrix of zeros and ones. */
    Feature plain(Feature feature) {
        var order = feature.order();
        if (order == null) return feature;
        var key = feature.number() + " " + order;
        var made = views.get(key);
        if (made == null) {
            var parts = order.parts();
            var stored = new Feature(feature.number(), feature.shape(), feature.dims(), null);
            int outer = parts.outer(), moved = parts.moved(), inner = parts.inner();
            made = mapped("transposed", stored, outer, moved, moved, (_, to) -> (int) (order.source((long) to * inner) / inner), null);
            views.put(key, made);
        }
        return made.as(feature.dims());
    }

    // ------------------------------------------------------------------------------------------ general forms

    /** Which of the old places goes to a new one; -1 for none. */
    interface Place {
        int of(int outer, int to);
    }

    /**
     * {@code outer} blocks of {@code from} rows, of which each becomes one of {@code to} rows: picked ones and, at place -1, zeros or
     * what {@code addends} has, one number a row of the result.
     */
    Feature mapped(String name, Feature feature, int outer, int from, int to, Place place, Numbers addends) {
        requireAffordable((long) outer * to * from, name);
        var matrix = new Numbers(Shape.of(outer * to, from, 1, 1), arena -> {
            var floats = arena.allocate((long) outer * to * from * Float.BYTES, 64);
            for (int block = 0; block < outer; block++) {
                for (int row = 0; row < to; row++) {
                    int picked = place.of(block, row);
                    if (picked >= 0) floats.setAtIndex(Numbers.FLOAT, ((long) block * to + row) * from + picked, 1);
                }
            }
            return floats;
        });
        var source = channels(feature, outer * from);
        var conv = new Conv(outer * to, 1, 1, 1, 1, 0, 0, 0, 0, 1, outer, addends != null);
        return layer(name, conv, source, addends == null ? List.of(matrix) : List.of(matrix, addends));
    }

    /** All values of an image times {@code matrix}, of shape {@code out x in}. */
    Feature dense(String name, Feature feature, Numbers matrix) {
        requireAffordable(matrix.elements(), name);
        return layer(name, new Linear(matrix.shape().dim(0), false), plain(feature), List.of(matrix));
    }

    static void requireAffordable(long weights, String name) {
        if (weights > MOST_WEIGHTS) {
            throw new UnsupportedOperationException(name + ": would take a matrix of " + weights + " weights, expected at most "
                + MOST_WEIGHTS);
        }
    }

    /** {@code factors[c] x + addends[c]}; null for no factors or no addends. */
    Feature affine(String name, Feature feature, int channels, Numbers factors, Numbers addends) {
        var source = channels(feature, channels);
        var weight = factors == null ? Numbers.filled(Shape.of(channels, 1, 1, 1), 1) : factors.reshaped(Shape.of(channels, 1, 1, 1));
        var conv = new Conv(channels, 1, 1, 1, 1, 0, 0, 0, 0, 1, channels, addends != null);
        var numbers = addends == null ? List.of(weight) : List.of(weight, addends.reshaped(Shape.of(channels)));
        return layer(name, conv, source, numbers).as(feature.dims());
    }

    /** As {@link #affine}, but for a feature that nobody else reads put into the layer that makes it, if that can take it. */
    Feature affineAlone(String name, Feature feature, int channels, Numbers factors, Numbers addends) {
        boolean fits = feature.number() > 0 && feature.order() == null && feature.shape().dim(0) == channels
            && !pads.containsKey(feature.number());
        if (!fits) return affine(name, feature, channels, factors, addends);
        var part = parts.get(feature.number() - 1);
        var vector = Shape.of(channels);
        var times = factors == null ? null : factors.reshaped(vector);
        var plus = addends == null ? null : addends.reshaped(vector);
        switch (part.nn()) {
            case BatchNorm _ -> {
                rescale(part.name() + ".weight", times, null);
                rescale(part.name() + ".bias", times, plus);
            }
            case Conv conv -> {
                if (times != null) rescale(part.name() + ".weight", times, null);
                if (addBias(part.name(), conv.bias(), vector, times, plus)) {
                    parts.set(feature.number() - 1, new Wired.Part(part.name(), new Conv(conv.out(), conv.r(), conv.s(), conv.strideH(),
                        conv.strideW(), conv.padTop(), conv.padLeft(), conv.padBottom(), conv.padRight(), conv.dilation(), conv.groups(),
                            true),
                        part.sources()));
                }
            }
            case Linear linear -> {
                if (times != null) rescale(part.name() + ".weight", times, null);
                if (addBias(part.name(), linear.bias(), vector, times, plus)) {
                    parts.set(feature.number() - 1, new Wired.Part(part.name(), new Linear(linear.out(), true), part.sources()));
                }
            }
            default -> {
                return affine(name, feature, channels, factors, addends);
            }
        }
        return feature;
    }

    private void rescale(String key, Numbers times, Numbers plus) {
        weights.compute(key, (_, numbers) -> numbers.scaled(times, plus));
    }

    /** Whether the layer had no bias and has one now. */
    private boolean addBias(String name, boolean hasBias, Shape vector, Numbers times, Numbers plus) {
        if (hasBias) rescale(name + ".bias", times, plus);
        else if (plus != null) weights.put(name + ".bias", plus);
        return !hasBias && plus != null;
    }

    /**
     * Channels of zeros around those of {@code feature}; what takes every second pixel of it first, as ResNets on CIFAR do, goes with it.
     */
    Feature shortcut(String name, Feature feature, int out) {
        if (feature.number() > 0 && parts.get(feature.number() - 1).nn() instanceof Pool pool && pool.r() == 1 && pool.s() == 1
            && pool.strideH() == pool.strideW()) {
            int source = parts.get(feature.number() - 1).sources().getFirst();
            return layer(name, new Shortcut(out, pool.strideH()), new Feature(source, shapes.get(source), shapes.get(source).dims(), null));
        }
        return layer(name, new Shortcut(out, 1), feature);
    }

    /** Zeros around the plane of {@code feature}, which a window behind them takes over where it can. */
    Feature padded(String name, Feature feature, Padded padding, Numbers factors, Numbers addends) {
        int channels = feature.shape().dim(0);
        var conv = new Conv(channels, 1, 1, 1, 1, padding.top(), padding.left(), padding.bottom(), padding.right(), 1, channels,
            addends != null);
        var weight = factors == null ? Numbers.filled(Shape.of(channels, 1, 1, 1), 1) : factors;
        var made = layer(name, conv, feature, addends == null ? List.of(weight) : List.of(weight, addends));
        if (addends == null) pads.put(made.number(), padding);
        return made;
    }

    /** The zeros around {@code feature}'s plane, null if it has none of its own. */
    Padded padding(Feature feature) {
        return feature.order() == null ? pads.get(feature.number()) : null;
    }
}
