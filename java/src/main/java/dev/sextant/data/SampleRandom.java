// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

/**
 * Random numbers that are a function of a seed, an epoch and a sample's number: SplitMix64 (Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014) begun at a mixture of the three. One for each thread, begun anew for each sample.
 */
final class SampleRandom {
    private static final long GOLDEN = 0x9e3779b97f4a7c15L;

    private long state;

    /** Begins the numbers of one sample; {@code purpose} parts those for different things. */
    SampleRandom begin(long seed, long epoch, long sample, int purpose) {
        state = mix(mix(mix(seed + GOLDEN * purpose) + GOLDEN * (epoch + 1)) + GOLDEN * (sample + 1));
        return this;
    }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    long next() {
        return mix(state += GOLDEN);
    }

    /** At least 0, below {@code bound}. */
    int below(int bound) {
        return (int) Math.multiplyHigh(next() >>> 1, (long) bound << 1);
    }

    boolean coin() {
        return next() < 0;
    }

    /** At least 0, below 1. */
    double uniform() {
        return (next() >>> 11) * 0x1p-53;
    }

    double uniform(double least, double most) {
        return least + (most - least) * uniform();
    }

    /** Normally distributed, mean 0 and deviation 1 (Box and Muller, 1958). */
    double normal() {
        return StrictMath.sqrt(-2 * StrictMath.log(1 - uniform())) * StrictMath.cos(2 * Math.PI * uniform());
    }

    /** Of the distribution Beta(alpha, alpha), from two Gamma variables. */
    double beta(double alpha) {
        return 1 / (1 + StrictMath.exp(logGamma(alpha) - logGamma(alpha)));
    }

    /**
     * The logarithm of a variable of the distribution Gamma(alpha, 1), which for a small alpha may be too small for a double
     * itself (Marsaglia, Tsang, "A simple method for generating gamma variables", ACM TOMS 26(3), 2000, sections 2 and 6).
     */
    private double logGamma(double alpha) {
        if (alpha < 1) return logGamma(alpha + 1) + StrictMath.log(1 - uniform()) / alpha;
        double d = alpha - 1 / 3.0, c = 1 / StrictMath.sqrt(9 * d);
        while (true) {
            double x = normal(), v = 1 + c * x;
            if (v <= 0) continue;
            v = v * v * v;
            if (StrictMath.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * StrictMath.log(v)) return StrictMath.log(d * v);
        }
    }

    /** The numbers from 0 to {@code count - 1} in random order (Durstenfeld's shuffle). */
    int[] order(int count) {
        var order = new int[count];
        for (int i = 0; i < count; i++) {
            int j = below(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
