// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The dimensions of a tensor, outermost first: {@code n c h w} for a batch of images, {@code c h w} for one, {@code k c r s} for
 * convolution weights. Rank 0 is a scalar; a dimension of 0 means no elements.
 */
public record Shape(List<Integer> dims) {

    /** @throws IllegalArgumentException for a negative dimension, or more elements than a {@code long} counts */
    public Shape {
        dims = List.copyOf(dims);
        for (int dim : dims) {
            if (dim < 0) throw new IllegalArgumentException("shape: expects dimensions of at least 0, found " + text(dims));
        }
        count(dims);
    }

    public static Shape of(int... dims) {
        return new Shape(Arrays.stream(dims).boxed().toList());
    }

    /** The inverse of {@link #toString}: {@code 3x224x224}. */
    public static Shape parse(String text) {
        try {
            return new Shape(Arrays.stream(text.strip().split("x", -1)).map(Integer::valueOf).toList());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("shape: expects sizes joined by 'x' as in 3x224x224, found '" + text + "'", e);
        }
    }

    public int rank() {
        return dims.size();
    }

    /** Size of dimension {@code i}, 0 the outermost. */
    public int dim(int i) {
        return dims.get(i);
    }

    /** The product of all dimensions; 1 for a scalar. */
    public long elements() {
        return count(dims);
    }

    /** This shape with {@code dim} put before its first dimension: from one image to a batch of them. */
    public Shape prepend(int dim) {
        var all = new int[rank() + 1];
        all[0] = dim;
        for (int i = 0; i < rank(); i++) all[i + 1] = dim(i);
        return of(all);
    }

    /** This shape without its first dimension: from a batch to one of its images. */
    public Shape dropFirst() {
        if (rank() == 0) throw new IllegalArgumentException("shape: a scalar has no first dimension");
        return new Shape(dims.subList(1, rank()));
    }

    /** {@code 1x3x224x224}, or {@code scalar} for rank 0. */
    @Override
    public String toString() {
        return text(dims);
    }

    private static String text(List<Integer> dims) {
        return dims.isEmpty() ? "scalar" : dims.stream().map(String::valueOf).collect(Collectors.joining("x"));
    }

    private static long count(List<Integer> dims) {
        if (dims.contains(0)) return 0;
        long count = 1;
        try {
            for (int dim : dims) count = Math.multiplyExact(count, dim);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("shape: expects fewer than 2^63 elements, found " + text(dims), e);
        }
        return count;
    }
}
