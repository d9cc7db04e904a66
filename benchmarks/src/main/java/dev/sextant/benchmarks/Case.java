// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Precision;
import dev.sextant.Shape;
import dev.sextant.models.Network;
import java.util.Random;

/** What every engine is given alike: a network, a shape n c h w, and how many threads. Weights and input follow from the seed. */
public record Case(Network network, Shape shape, int threads, Precision precision) {
    public static final long SEED = 42;

    public static Case of(Network network, int batch, int threads) {
        var image = network.input();
        return new Case(network, Shape.of(batch, image.dim(0), image.dim(1), image.dim(2)), threads, Precision.FP32);
    }

    public Case with(Precision precision) {
        return new Case(network, shape, threads, precision);
    }

    public int batch() {
        return shape.dim(0);
    }

    /** Normally distributed pixels, as a normalised photo has them. */
    public float[] input() {
        return input(shape);
    }

    /** The same for any shape. */
    public static float[] input(Shape shape) {
        var random = new Random(SEED);
        var pixels = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < pixels.length; i++) pixels[i] = (float) random.nextGaussian();
        return pixels;
    }
}
