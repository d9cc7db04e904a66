// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A float32 tensor, row-major without gaps: element {@code (i, j)} of shape {@code m x n} lies at {@code i * n + j}. A value:
 * nothing here changes it. {@link #of} takes the storage over without a copy, so its giver must not write to it afterwards;
 * storage that belongs to an arena can be read until that arena closes.
 */
public final class Tensor {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final Shape shape;
    private final MemorySegment data;

    private Tensor(Shape shape, MemorySegment data) {
        this.shape = shape;
        this.data = data;
    }

    /** @throws IllegalArgumentException unless {@code values} holds exactly the elements of {@code shape} */
    public static Tensor of(Shape shape, float[] values) {
        return of(shape, MemorySegment.ofArray(values));
    }

    /** Takes {@code data}, native float32 in the machine's byte order, over without a copy. */
    public static Tensor of(Shape shape, MemorySegment data) {
        long found = data.byteSize() / Float.BYTES;
        if (found != shape.elements() || data.byteSize() % Float.BYTES != 0) {
            throw new IllegalArgumentException("tensor: shape " + shape + " expects " + shape.elements()
                + " float32 values, found " + (data.byteSize() % Float.BYTES == 0 ? String.valueOf(found) : data.byteSize() + " bytes"));
        }
        return new Tensor(shape, data.asReadOnly());
    }

    public Shape shape() {
        return shape;
    }

    /** The storage, read-only. */
    public MemorySegment data() {
        return data;
    }

    /** Element {@code index} in row-major order. */
    public float get(long index) {
        return data.getAtIndex(FLOAT, index);
    }

    /** A fresh copy of all elements, row-major. */
    public float[] toArray() {
        return data.toArray(FLOAT);
    }

    /** The same elements under another shape; shares the storage. */
    public Tensor reshape(Shape to) {
        if (to.elements() != shape.elements()) {
            throw new IllegalArgumentException("reshape: " + shape + " has " + shape.elements() + " elements, "
                + to + " has " + to.elements());
        }
        return new Tensor(to, data);
    }

    /**
     * Element {@code index} along the first dimension, which the result no longer has: image 3 of a batch. Shares the
     * storage.
     */
    public Tensor slice(int index) {
        var inner = shape.dropFirst();
        if (index < 0 || index >= shape.dim(0)) {
            throw new IndexOutOfBoundsException("slice: expects an index under " + shape.dim(0) + " (shape " + shape
                + "), found " + index);
        }
        long bytes = inner.elements() * Float.BYTES;
        return new Tensor(inner, data.asSlice(index * bytes, bytes));
    }

    /**
     * Row-major index of the largest element, the first of equal ones; NaN is never the largest. For one image's logits this is
     * the class; take {@link #slice} first where the batch is larger than one.
     */
    public int argmax() {
        int best = 0;
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < Math.toIntExact(shape.elements()); i++) {
            if (get(i) > largest) {
                largest = get(i);
                best = i;
            }
        }
        return best;
    }

    /** {@code exp(x - max) / sum} over the last dimension, accumulated in double: logits to probabilities. */
    public Tensor softmax() {
        var values = toArray();
        int row = shape.rank() == 0 ? 1 : shape.dim(shape.rank() - 1);
        for (int start = 0; start < values.length; start += row) {
            double max = Double.NEGATIVE_INFINITY, sum = 0;
            for (int i = start; i < start + row; i++) max = Math.max(max, values[i]);
            for (int i = start; i < start + row; i++) sum += Math.exp(values[i] - max);
            for (int i = start; i < start + row; i++) values[i] = (float) (Math.exp(values[i] - max) / sum);
        }
        return of(shape, values);
    }

    /** Same shape and the same bits in every element. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Tensor that && shape.equals(that.shape) && data.mismatch(that.data) == -1;
    }

    @Override
    public int hashCode() {
        return 31 * shape.hashCode() + Arrays.hashCode(head());
    }

    /** Shape and the first few elements. */
    @Override
    public String toString() {
        var values = Arrays.toString(head());
        return "Tensor " + shape + " " + (shape.elements() > 8 ? values.replace("]", ", ...]") : values);
    }

    private float[] head() {
        return data.asSlice(0, Math.min(8, shape.elements()) * Float.BYTES).toArray(FLOAT);
    }
}
