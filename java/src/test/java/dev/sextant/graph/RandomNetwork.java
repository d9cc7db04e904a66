// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.nn.Nn.*;

import dev.sextant.Shape;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Nn;
import dev.sextant.nn.Shapes;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Networks nobody would design: every layer after every other, channels that fill blocks and channels that do not. */
public final class RandomNetwork {
    private static final int[] CHANNELS = {1, 3, 5, 8, 12, 16, 16, 24, 32, 32, 48};

    /** Of one image: plain loops have to run it, many times. */
    private static final long MOST_FLOPS = 1_000_000;

    private final RandomGenerator random;

    private RandomNetwork(RandomGenerator random) {
        this.random = random;
    }

    /** A network with an input shape, n c h w, that it takes. */
    public record Case(Nn network, Shape input) {}

    public static Case of(RandomGenerator random) {
        Case found;
        do {
            found = new RandomNetwork(random).network();
        } while (Layers.inference(found.network, found.input.dropFirst()).flops() > MOST_FLOPS);
        return found;
    }

    private Case network() {
        var input = Shape.of(pick(1, 3, 3, 4, 6, 16), between(5, 14), between(5, 14));
        var layers = new ArrayList<Nn>();
        var shape = input;
        int count = between(2, 9);
        for (int i = 0; i < count; i++) {
            var layer = layer(shape);
            if (chance(0.3)) layer = layer.as("stage" + i);
            layers.add(layer);
            shape = Shapes.output(layer, shape, "");
        }
        if (chance(0.5)) layers.add(pick(globalAvgPool(), globalMaxPool(), adaptiveAvgPool(2, 3)));
        if (chance(0.3)) layers.add(flatten());
        if (chance(0.3)) layers.add(dropout(0.5));
        if (chance(0.7)) {
            layers.add(linear(between(1, 20)));
            if (chance(0.3)) layers.addAll(List.of(pick(relu(), tanh()), linear(7)));
            if (chance(0.2)) layers.add(concat(identity(), seq(relu(), linear(3))));
            if (chance(0.2)) layers.add(chance(0.5) ? softmax() : logSoftmax());
        }
        return new Case(seq(layers), input.prepend(between(1, 3)));
    }

    /** One that fits an input of {@code shape}. */
    private Nn layer(Shape shape) {
        return switch (random.nextInt(12)) {
            case 0, 1, 2 -> anyConv(shape);
            case 3 -> seq(anyConv(shape), batchNorm(), activation());
            case 4 -> anyPool(shape);
            case 5 -> pick(batchNorm(), activation(), seq(batchNorm(), relu()), identity(), dropout(0.3), lrn(5, 1e-2, 0.75, 2));
            case 6 -> add(seq(same(shape, shape.dim(0)), relu(), same(shape, shape.dim(0))),
                chance(0.7) ? identity() : same(shape, shape.dim(0)));
            case 7 -> {
                int out = shape.dim(0) + between(0, 16);
                yield seq(add(seq(conv(out, 3).stride(2).pad(1), batchNorm()), shortcut(out, 2)), relu());
            }
            case 8 -> concat(same(shape, channels()), seq(same(shape, channels()), same(shape, channels())), maxPool(3, 1, 1));
            case 9, 10 -> dense(between(1, 3));
            default -> {
                var pointwise = seq(batchNorm(), relu(), chance(0.5) ? conv(channels(), 1).noBias() : conv(channels(), 1));
                yield chance(0.5) && Math.min(shape.dim(1), shape.dim(2)) > 1 ? seq(pointwise, avgPool(2, 2)) : pointwise;
            }
        };
    }

    private Nn dense(int depth) {
        var layers = new ArrayList<Nn>();
        int growth = channels();
        for (int i = 0; i < depth; i++) {
            layers.add(concat(identity(),
                seq(batchNorm(), relu(), conv(2 * growth, 1).noBias(), batchNorm(), relu(), conv(growth, 3).pad(1))));
        }
        return seq(layers);
    }

    private Nn anyConv(Shape shape) {
        int c = shape.dim(0), k = Math.min(pick(1, 1, 2, 3, 3, 5), Math.min(shape.dim(1), shape.dim(2)));
        var conv = conv(channels(), k).stride(pick(1, 1, 2)).pad(between(0, k / 2));
        if (chance(0.15)) conv = conv(c * between(1, 2), k).pad(k / 2).groups(c);
        else if (chance(0.15)) conv = conv(between(1, 6) * c, k).groups(c % 2 == 0 ? 2 : 1).pad(k / 2);
        else if (k == 3 && chance(0.2)) conv = conv.dilation(2).pad(2);
        return chance(0.3) ? seq(conv.noBias(), activation()) : conv;
    }

    /** One that keeps height and width. */
    private Nn same(Shape shape, int out) {
        int k = pick(1, 3, 3, 5);
        return chance(0.3) ? seq(conv(out, k).pad(k / 2).noBias(), batchNorm()) : conv(out, k).pad(k / 2);
    }

    private Nn anyPool(Shape shape) {
        int k = Math.min(pick(2, 3), Math.min(shape.dim(1), shape.dim(2))), pad = between(0, k / 2), stride = between(1, 2);
        return chance(0.5) ? maxPool(k, stride, pad).ceil(chance(0.5))
            : avgPool(k, stride, pad).ceil(chance(0.5)).countPad(chance(0.5));
    }

    private Nn activation() {
        return pick(relu(), relu(), tanh(), sigmoid());
    }

    private int channels() {
        return CHANNELS[random.nextInt(CHANNELS.length)];
    }

    private int between(int least, int most) {
        return random.nextInt(least, most + 1);
    }

    private boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    private int pick(int... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private Nn pick(Nn... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
