// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.graph.Constant.Parameter;
import dev.sextant.graph.Parameters;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * Parameters made from a seed and their key, the same in every run: weights uniform with variance 2 / fan-in (He et al.,
 * arXiv:1502.01852, eq. 10), so that activations neither vanish nor blow up however deep the network; norms that change nothing;
 * small biases.
 */
record RandomParameters(long seed) implements Parameters {
    private static final double BIAS = 0.05;

    private static final double LARGEST_PIXEL = 2;

    /** As far from zero as normalised pictures. */
    Tensor images(Shape shape) {
        var random = new SplittableRandom(seed);
        var values = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < values.length; i++) values[i] = (float) random.nextDouble(-LARGEST_PIXEL, LARGEST_PIXEL);
        return Tensor.of(shape, values);
    }

    @Override
    public MemorySegment floats(Parameter parameter, Arena arena) {
        var shape = parameter.shape();
        var values = arena.allocate(shape.elements() * Float.BYTES, Float.BYTES);
        var key = parameter.key();
        boolean isMatrix = shape.rank() >= 2;
        if (!isMatrix && key.endsWith("running_mean")) return values;
        if (!isMatrix && !key.endsWith("bias")) {
            for (long i = 0; i < shape.elements(); i++) values.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
            return values;
        }
        double bound = isMatrix ? Math.sqrt(6.0 / shape.dropFirst().elements()) : BIAS;
        var random = new SplittableRandom(seed * 31 + key.hashCode());
        for (long i = 0; i < shape.elements(); i++) {
            values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-bound, bound));
        }
        return values;
    }
}
