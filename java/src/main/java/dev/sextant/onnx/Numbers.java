// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Numbers that a model file holds, or that follow from such: their shape is known, the values are made when they are asked for. So a
 * file may ask for more weights than it has bytes, and nothing is spent on them before something runs.
 *
 * @param passes how many arrays have to be made on the way to the values
 * @param largest how many elements the largest of these has
 */
record Numbers(Shape shape, Values values, int passes, long largest) implements Operand {
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    /** A file may neither nest them deeper nor have them made more often. */
    private static final int MOST_PASSES = 500;

    /** Numbers that follow from no others. */
    Numbers(Shape shape, Values values) {
        this(shape, values, 1, shape.elements());
    }

    /** @throws IllegalArgumentException if too much would have to be made for them */
    static Numbers from(Shape shape, Values values, List<Numbers> sources) {
        long passes = 1, largest = shape.elements();
        for (var source : sources) {
            passes += source.passes;
            largest = Math.max(largest, source.largest);
        }
        if (passes > MOST_PASSES) {
            throw new IllegalArgumentException("expected constants made in at most " + MOST_PASSES + " steps, found " + passes);
        }
        return new Numbers(shape, values, (int) passes, largest);
    }

    /** Row-major native float32. */
    interface Values {
        MemorySegment floats(Arena arena);

        /** As whole numbers: shapes, axes, pads. @throws ArithmeticException if they are none */
        default long[] integers() {
            try (var arena = Arena.ofConfined()) {
                var floats = floats(arena).toArray(FLOAT);
                var integers = new long[floats.length];
                for (int i = 0; i < integers.length; i++) {
                    integers[i] = (long) floats[i];
                    if (integers[i] != floats[i]) throw new ArithmeticException("expected whole numbers, found " + floats[i]);
                }
                return integers;
            }
        }
    }

    /** The value at each place of a result. */
    interface At {
        double value(MemorySegment source, long index);
    }

    static Numbers of(Tensor tensor) {
        return new Numbers(tensor.shape(), _ -> tensor.data());
    }

    static Numbers filled(Shape shape, float value) {
        return new Numbers(shape, arena -> {
            var floats = arena.allocate(shape.elements() * Float.BYTES, 64);
            if (value != 0) {
                for (long i = 0; i < shape.elements(); i++) floats.setAtIndex(FLOAT, i, value);
            }
            return floats;
        });
    }

    static Numbers of(Shape shape, float[] values) {
        return new Numbers(shape, _ -> MemorySegment.ofArray(values));
    }

    static Numbers of(Shape shape, long... values) {
        return new Numbers(shape, new Values() {
            @Override
            public MemorySegment floats(Arena arena) {
                var floats = new float[values.length];
                for (int i = 0; i < floats.length; i++) floats[i] = values[i];
                return MemorySegment.ofArray(floats);
            }

            @Override
            public long[] integers() {
                return values;
            }
        });
    }

    MemorySegment floats(Arena arena) {
        return values.floats(arena);
    }

    /** The values on the heap, for a few of them. */
    float[] toArray() {
        try (var arena = Arena.ofConfined()) {
            return values.floats(arena).toArray(FLOAT);
        }
    }

    long elements() {
        return shape.elements();
    }

    /** The same values in another shape of as many. */
    Numbers reshaped(Shape to) {
        if (to.elements() != shape.elements()) {
            throw new IllegalArgumentException("expected " + to + ", as many as " + shape.elements() + " numbers, found " + shape);
        }
        return new Numbers(to, values, passes, largest);
    }

    /** Values made one by one from these. */
    Numbers made(Shape to, At at) {
        return from(to, arena -> {
            var floats = arena.allocate(to.elements() * Float.BYTES, 64);
            try (var scratch = Arena.ofConfined()) {
                var source = values.floats(scratch);
                for (long i = 0; i < to.elements(); i++) floats.setAtIndex(FLOAT, i, (float) at.value(source, i));
            }
            return floats;
        }, List.of(this));
    }

    Numbers times(double factor) {
        return factor == 1 ? this : made(shape, (source, i) -> source.getAtIndex(FLOAT, i) * factor);
    }

    /** {@code factors[k] x + addends[k]} for all of the k-th part along the first dimension; null for no factors, or no addends. */
    Numbers scaled(Numbers factors, Numbers addends) {
        long each = Math.max(1, elements() / shape.dim(0));
        return from(shape, arena -> {
            var floats = arena.allocate(elements() * Float.BYTES, 64);
            try (var scratch = Arena.ofConfined()) {
                var source = values.floats(scratch);
                var times = factors == null ? null : factors.floats(scratch);
                var plus = addends == null ? null : addends.floats(scratch);
                for (long i = 0; i < elements(); i++) {
                    double value = source.getAtIndex(FLOAT, i);
                    if (times != null) value *= times.getAtIndex(FLOAT, i / each);
                    if (plus != null) value += plus.getAtIndex(FLOAT, i / each);
                    floats.setAtIndex(FLOAT, i, (float) value);
                }
            }
            return floats;
        }, Stream.of(this, factors, addends).filter(Objects::nonNull).toList());
    }

    /** With dimension i that of these at {@code perm[i]}. */
    Numbers transposed(List<Integer> perm) {
        var to = new Shape(perm.stream().map(shape::dim).toList());
        return made(to, (source, i) -> source.getAtIndex(FLOAT, Order.source(to, perm, shape, i)));
    }

    /** Repeated along dimensions of 1, and new ones in front, to fill {@code to}. */
    Numbers broadcast(Shape to) {
        if (to.equals(shape)) return this;
        int lead = to.rank() - shape.rank();
        return made(to, (source, i) -> {
            long index = 0, factor = 1, rest = i;
            for (int axis = to.rank() - 1; axis >= 0; axis--) {
                long at = rest % to.dim(axis);
                rest /= to.dim(axis);
                if (axis < lead) continue;
                int size = shape.dim(axis - lead);
                if (size > 1) index += at * factor;
                factor *= size;
            }
            return source.getAtIndex(FLOAT, index);
        });
    }
}
