// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * A transposition that nobody has carried out yet: the elements lie row-major in {@code stored}; what is meant has dimension i of
 * {@code stored} at {@code perm[i]}. Most of them meet their inverse, or a matrix whose columns can follow.
 */
record Order(Shape stored, List<Integer> perm) {
    Order {
        perm = List.copyOf(perm);
    }

    /** The dimensions that are meant. */
    List<Integer> dims() {
        return perm.stream().map(stored::dim).toList();
    }

    /** This one, then {@code next}; null where nothing remains to be done. */
    Order then(List<Integer> next) {
        return of(stored, next.stream().map(perm::get).toList());
    }

    /** Null where the elements lie as they are meant: dimensions of 1 may stand anywhere. */
    static Order of(Shape stored, List<Integer> perm) {
        var moved = perm.stream().filter(axis -> stored.dim(axis) != 1).toList();
        return moved.stream().sorted().toList().equals(moved) ? null : new Order(stored, perm);
    }

    /** Where the element lies that is meant to be the {@code index}-th. */
    long source(long index) {
        return source(new Shape(dims()), perm, stored, index);
    }

    static long source(Shape meant, List<Integer> perm, Shape stored, long index) {
        var strides = new long[stored.rank()];
        long stride = 1;
        for (int axis = strides.length - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= stored.dim(axis);
        }
        long found = 0, rest = index;
        for (int axis = meant.rank() - 1; axis >= 0; axis--) {
            found += rest % meant.dim(axis) * strides[perm.get(axis)];
            rest /= meant.dim(axis);
        }
        return found;
    }

    /**
     * The same with neighbours that stay together as one dimension: {@code outer} that stay in front, {@code moved} among each
     * other, {@code inner} that stay behind.
     */
    record Parts(int outer, int moved, int inner) {}

    Parts parts() {
        int first = 0, last = perm.size();
        while (first < last && perm.get(first) == first) first++;
        while (last > first && perm.get(last - 1) == last - 1) last--;
        return new Parts(product(0, first), product(first, last), product(last, perm.size()));
    }

    private int product(int from, int to) {
        return Math.toIntExact(new Shape(new ArrayList<>(stored.dims().subList(from, to))).elements());
    }
}
