// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Weights of 8 bits with a scale for each output channel, the first dimension: {@code real = scale[k] stored}, and the largest of each
 * channel is stored as 127 or -127. Reading them back and rounding them once more gives the same stored numbers and scales.
 */
public record Int8(Shape shape, byte[] values, float[] scales) {
    private static final int LARGEST = 127;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    /** The nearest to {@code weights}, float32 of {@code shape}. */
    public static Int8 of(Shape shape, MemorySegment weights) {
        int channels = shape.dim(0);
        int each = Math.toIntExact(shape.elements() / channels);
        var values = new byte[Math.multiplyExact(channels, each)];
        var scales = new float[channels];
        for (int k = 0; k < channels; k++) {
            float largest = 0;
            for (int i = k * each; i < (k + 1) * each; i++) largest = Math.max(largest, Math.abs(weights.getAtIndex(FLOAT, i)));
            scales[k] = scale(largest);
            for (int i = k * each; i < (k + 1) * each; i++) {
                values[i] = (byte) Math.clamp(Math.round(Math.rint(weights.getAtIndex(FLOAT, i) / scales[k])), -LARGEST, LARGEST);
            }
        }
        return new Int8(shape, values, scales);
    }

    /** One that dividing 127 of it by 127 gives back, in float32. */
    private static float scale(float largest) {
        float scale = largest / LARGEST;
        if (!(scale >= Float.MIN_NORMAL)) return 1;
        while (scale * LARGEST / LARGEST != scale) scale = scale * LARGEST / LARGEST;
        return scale;
    }

    Tensor scaleTensor() {
        return Tensor.of(Shape.of(scales.length), scales);
    }
}
