// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Weights and inputs made from their key alone, as {@code shared/golden/README.md} defines them: FNV-1a seeds SplitMix64. */
public final class GoldenFormula {
    private GoldenFormula() {}

    /** Element {@code i} of {@code key}'s sequence, in [-1, 1). */
    public static double u(String key, long i) {
        return u(seed(key), i);
    }

    /** The values of parameter or input {@code key}, row-major. */
    public static float[] values(String key, Shape shape) {
        var values = new float[Math.toIntExact(shape.elements())];
        fill(key, shape, MemorySegment.ofArray(values));
        return values;
    }

    public static Tensor tensor(String key, Shape shape) {
        return Tensor.of(shape, values(key, shape));
    }

    /** Writes the float32 values of {@code key} into {@code to}. */
    public static void fill(String key, Shape shape, MemorySegment to) {
        double scale = 0.1, shift = 0;
        if (key.equals("input")) {
            scale = 2;
        } else if (key.endsWith(".weight") && shape.rank() >= 2) {
            scale = Math.sqrt(6.0 / shape.dropFirst().elements());
        } else if (key.endsWith(".weight") || key.endsWith(".running_var")) {
            scale = 0.5;
            shift = 1;
        }
        long seed = seed(key);
        for (long i = 0; i < shape.elements(); i++) {
            to.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, (float) (shift + scale * u(seed, i)));
        }
    }

    private static long seed(String key) {
        long hash = 0xcbf29ce484222325L;
        for (byte b : key.getBytes(StandardCharsets.UTF_8)) hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        return hash;
    }

    private static double u(long seed, long i) {
        long z = seed + (i + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        z ^= z >>> 31;
        return (z >>> 40) * 0x1p-23 - 1;
    }
}
