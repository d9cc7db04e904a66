// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.nn.Linear;
import dev.sextant.onnx.Operand.Feature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Gemm and MatMul by constants: fully connected layers where each image is one row, else a matrix for all of its values at once. */
final class Matrices {
    private final Wiring wiring;
    private final Naming naming;
    private final Arithmetic arithmetic;

    Matrices(Wiring wiring, Naming naming, Arithmetic arithmetic) {
        this.wiring = wiring;
        this.naming = naming;
        this.arithmetic = arithmetic;
    }

    Operand gemm(Call call) throws IOException {
        float alpha = call.attributes().real("alpha", 1), beta = call.attributes().real("beta", 1);
        boolean transA = call.attributes().flag("transA", false), transB = call.attributes().flag("transB", false);
        if (call.opset() < 7) call.attributes().ignore("broadcast");
        call.attributes().requireNoOther();
        var feature = call.feature(0);
        var matrix = call.numbers(1, "the matrix B");
        if (matrix.shape().rank() != 2) throw call.malformed("expected a matrix B, found " + matrix.shape());
        if (beta != 0 && call.has(2) && call.inputs().get(2) instanceof Feature addend) {
            var made = gemm(call, feature, matrix, alpha, transA, transB, null);
            var scaled = beta == 1 ? addend : arithmetic.linear(call, addend, Numbers.filled(Shape.of(), beta), null, true, false);
            if (!scaled.dims().equals(made.dims())) {
                throw call.unsupported("adds " + Call.text(scaled.dims()) + " to " + Call.text(made.dims()));
            }
            return wiring.sum(call.name(), List.of(made, wiring.view(scaled, made.shape()))).as(made.dims());
        }
        return gemm(call, feature, matrix, alpha, transA, transB, beta == 0 || !call.has(2) ? null : call.numbers(2, "C").times(beta));
    }

    private Feature gemm(Call call, Feature feature, Numbers matrix, float alpha, boolean transA, boolean transB,
        Numbers c) throws IOException {
        var weights = (transB ? matrix : matrix.transposed(List.of(1, 0))).times(alpha);
        int rows = weights.shape().dim(0);
        if (feature.dims().size() + call.lead() != 2) throw call.malformed("expected a matrix A, found " + Call.text(feature.dims()));
        if (call.lead() == 0) {
            var plain = wiring.plain(feature);
            var made = product(call, transA ? turned(plain) : plain, weights.transposed(List.of(1, 0)));
            return c == null ? made : arithmetic.linear(call, made, c, null, false, false);
        }
        if (transA) throw call.mixed("transposes the images");
        var bias = c;
        if (bias != null && bias.shape().rank() > 1 && bias.shape().dim(0) != 1) throw call.mixed("adds another C to each image");
        if (bias != null) {
            if (bias.elements() != 1 && bias.elements() != rows) {
                throw call.malformed("expected C of " + rows + " numbers, found " + bias.shape());
            }
            bias = bias.reshaped(Shape.of((int) bias.elements())).broadcast(Shape.of(rows));
        }
        return fullyConnected(call, feature, weights, bias);
    }

    private Feature turned(Feature plain) {
        return new Feature(plain.number(), plain.shape(), plain.dims().reversed(), Order.of(new Shape(plain.dims()), List.of(1, 0)));
    }

    private Feature fullyConnected(Call call, Feature feature, Numbers weights, Numbers bias) throws IOException {
        int out = weights.shape().dim(0), in = weights.shape().dim(1);
        if (out == 0 || in == 0 || in != feature.elements()) {
            throw call.malformed("expected a matrix for " + feature.elements() + " values, found " + in + " by " + out);
        }
        var order = feature.order();
        var source = feature;
        if (order != null) {
            // The columns go to where the values lie.
            var inverse = weights;
            weights = Numbers.from(weights.shape(), arena -> {
                var moved = arena.allocate(inverse.elements() * Float.BYTES, 64);
                var from = inverse.floats(arena);
                for (int column = 0; column < in; column++) {
                    long to = order.source(column);
                    for (long row = 0; row < out; row++) {
                        moved.setAtIndex(Numbers.FLOAT, row * in + to, from.getAtIndex(Numbers.FLOAT, row * in + column));
                    }
                }
                return moved;
            }, List.of(inverse));
            source = new Feature(feature.number(), feature.shape(), feature.dims(), null);
        }
        var name = naming.of(call, "weight", "bias");
        return wiring.layer(name, new Linear(out, bias != null), source, bias == null ? List.of(weights) : List.of(weights, bias));
    }

    Operand matmul(Call call) throws IOException {
        call.attributes().requireNoOther();
        if (!call.has(0) || !call.has(1)) throw call.malformed("expected 2 inputs, found fewer");
        if (call.inputs().get(0) instanceof Numbers left) return leftProduct(call, left, call.feature(1));
        var feature = call.feature(0);
        var matrix = call.numbers(1, "the matrix B");
        if (call.lead() == 1 && feature.dims().size() == 1 && matrix.shape().rank() == 2) {
            return fullyConnected(call, feature, matrix.transposed(List.of(1, 0)), null);
        }
        if (call.lead() == 1 && matrix.shape().rank() > feature.dims().size() + 1) throw call.mixed("repeats images");
        if (call.lead() == 1 && matrix.shape().rank() == feature.dims().size() + 1 && matrix.shape().dim(0) != 1) {
            throw call.mixed("has a matrix for each image");
        }
        return product(call, wiring.plain(feature), matrix);
    }

    /** {@code feature} times {@code matrix}, each of them a stack of matrices as NumPy has it, as one large matrix. */
    private Feature product(Call call, Feature feature, Numbers matrix) throws IOException {
        var x = new ArrayList<>(feature.dims());
        var b = new ArrayList<>(matrix.shape().dims());
        if (x.isEmpty() || b.isEmpty()) throw call.malformed("expected vectors or matrices, found a scalar");
        if (call.lead() == 1 && b.size() == x.size() + 1) b.removeFirst();
        boolean row = x.size() == 1, column = b.size() == 1;
        if (row) x.addFirst(1);
        if (column) b.add(1);
        return stacked(call, wiring.plain(feature), x, matrix, b, true, row, column);
    }

    private Feature leftProduct(Call call, Numbers matrix, Feature feature) throws IOException {
        if (call.lead() == 1 && feature.dims().size() < 2) throw call.mixed("multiplies the images from the left");
        var x = new ArrayList<>(feature.dims());
        var a = new ArrayList<>(matrix.shape().dims());
        if (x.isEmpty() || a.isEmpty()) throw call.malformed("expected vectors or matrices, found a scalar");
        if (call.lead() == 1 && a.size() == x.size() + 1) {
            if (a.removeFirst() != 1) throw call.mixed("has a matrix for each image");
        }
        boolean row = a.size() == 1, column = x.size() == 1;
        if (row) a.addFirst(1);
        if (column) x.add(1);
        return stacked(call, wiring.plain(feature), x, matrix, a, false, row, column);
    }

    /**
     * @param x dimensions of the feature, {@code m} those of the matrix, both of two at least
     * @param right whether the matrix stands on the right
     * @param row whether the left one is a vector, whose dimension the result lacks; {@code column} the right one alike
     */
    private Feature stacked(Call call, Feature feature, List<Integer> x, Numbers matrix, List<Integer> m, boolean right, boolean row,
        boolean column)
            throws IOException {
        int rank = Math.max(x.size(), m.size());
        while (x.size() < rank) x.addFirst(1);
        while (m.size() < rank) m.addFirst(1);
        var left = right ? x : m;
        var other = right ? m : x;
        int rows = left.get(rank - 2), inner = left.get(rank - 1), columns = other.get(rank - 1);
        if (inner != other.get(rank - 2)) {
            throw call.malformed("expected matrices that go together, found " + Call.text(left) + " and " + Call.text(other));
        }
        var stack = new ArrayList<Integer>();
        for (int axis = 0; axis < rank - 2; axis++) {
            int s = x.get(axis), t = m.get(axis);
            if (s != t && s != 1 && t != 1) {
                throw call.malformed("expected stacks that go together, found " + Call.text(left) + " and " + Call.text(other));
            }
            stack.add(s == 1 ? t : s);
        }
        long depth = new Shape(stack).elements(), out = Math.multiplyExact(depth, Math.multiplyExact((long) rows, columns)),
            in = feature.elements();
        if (out == 0 || out > Wiring.MOST_WEIGHTS || in > Wiring.MOST_WEIGHTS / out) {
            throw call.unsupported("multiplies " + Call.text(left) + " by " + Call.text(other)
                + ", expected one row of values an image (or a result that "
                + "is a matrix of at most " + Wiring.MOST_WEIGHTS + " weights)");
        }
        var xs = new Shape(x.subList(0, rank - 2));
        var ms = new Shape(m.subList(0, rank - 2));
        var large = Numbers.from(Shape.of((int) out, (int) in), arena -> {
            var floats = arena.allocate(out * in * Float.BYTES, 64);
            var values = matrix.floats(arena);
            for (long i = 0; i < out; i++) {
                long at = i / ((long) rows * columns), r = i / columns % rows, c = i % columns;
                long fx = stackIndex(stack, xs, at), fm = stackIndex(stack, ms, at);
                for (int k = 0; k < inner; k++) {
                    long from = right ? (fx * rows + r) * inner + k : (fx * inner + k) * columns + c;
                    long weight = right ? (fm * inner + k) * columns + c : (fm * rows + r) * inner + k;
                    floats.setAtIndex(Numbers.FLOAT, i * in + from, values.getAtIndex(Numbers.FLOAT, weight));
                }
            }
            return floats;
        }, List.of(matrix));
        var dims = new ArrayList<>(stack);
        if (!row) dims.add(rows);
        if (!column) dims.add(columns);
        return wiring.dense(call.name(), feature, large).as(dims);
    }

    /** Which of the matrices of a stack, in which dimensions of 1 repeat, stands at place {@code index} of {@code all}. */
    private static long stackIndex(List<Integer> all, Shape own, long index) {
        long found = 0, factor = 1, rest = index;
        for (int axis = all.size() - 1; axis >= 0; axis--) {
            long at = rest % all.get(axis);
            rest /= all.get(axis);
            if (own.dim(axis) > 1) found += at * factor;
            factor *= own.dim(axis);
        }
        return found;
    }
}
