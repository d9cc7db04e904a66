// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.onnx.Operand.Feature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What exporters write to compute shapes and pads: Shape, Gather, Slice, Cast, Sub and Div of constants, all known when a model is
 * loaded. The number of images, where a file leaves it open, counts as -1, which as a dimension to reshape to means the same.
 */
final class Constants {
    private static final int MOST = 64;

    private Constants() {}

    static Numbers shape(Call call) throws IOException {
        long start = call.attributes().integer("start", 0), end = call.attributes().integer("end", Long.MAX_VALUE);
        call.attributes().requireNoOther();
        var dims = new ArrayList<Integer>();
        switch (call.inputs().getFirst()) {
            case Numbers numbers -> dims.addAll(numbers.shape().dims());
            case Feature feature -> {
                if (call.lead() == 1) dims.add(call.images());
                dims.addAll(feature.dims());
            }
            case null -> throw call.malformed("expected an input, found none");
        }
        int from = clamped(start, dims.size()), to = Math.max(from, clamped(end, dims.size()));
        return Numbers.of(Shape.of(to - from), dims.subList(from, to).stream().mapToLong(dim -> dim).toArray());
    }

    private static int clamped(long place, int size) {
        return (int) Math.clamp(place < 0 ? place + size : place, 0, size);
    }

    static Numbers gather(Call call) throws IOException {
        long axis = call.attributes().integer("axis", 0);
        call.attributes().requireNoOther();
        var numbers = call.numbers(0, "what is gathered from");
        if (axis != 0 && axis != -numbers.shape().rank() || numbers.shape().rank() != 1) {
            throw call.unsupported("gathers along axis " + axis + " of " + numbers.shape() + ", expected a list of numbers");
        }
        var all = call.integers(0, "what is gathered from");
        var places = call.integers(1, "the places");
        var found = new long[places.length];
        for (int i = 0; i < found.length; i++) {
            long place = places[i] < 0 ? places[i] + all.length : places[i];
            if (place < 0 || place >= all.length) {
                throw call.malformed("expected places from 0 to " + (all.length - 1) + ", found " + places[i]);
            }
            found[i] = all[(int) place];
        }
        return Numbers.of(call.numbers(1, "the places").shape(), found);
    }

    static Numbers slice(Call call) throws IOException {
        boolean older = call.opset() < 10;
        var starts = older ? call.attributes().integers("starts") : call.integers(1, "starts");
        var ends = older ? call.attributes().integers("ends") : call.integers(2, "ends");
        var axes = older ? call.attributes().integers("axes") : call.has(3) ? call.integers(3, "axes") : null;
        var steps = call.has(4) ? call.integers(4, "steps") : null;
        call.attributes().requireNoOther();
        var numbers = call.numbers(0, "what is sliced");
        int rank = numbers.shape().rank();
        if (starts == null || ends == null || ends.length != starts.length || axes != null && axes.length != starts.length
            || steps != null && steps.length != starts.length || starts.length > rank) {
            throw call.malformed("expected a start, an end, an axis and a step each for at most " + rank + " dimensions");
        }
        var first = new long[rank];
        var step = new long[rank];
        Arrays.fill(step, 1);
        var dims = new ArrayList<>(numbers.shape().dims());
        for (int i = 0; i < starts.length; i++) {
            long stated = axes == null ? i : axes[i];
            if (stated < -rank || stated >= rank) {
                throw call.malformed("expected an axis from " + -rank + " to " + (rank - 1) + ", found " + stated);
            }
            int axis = (int) (stated < 0 ? stated + rank : stated), size = numbers.shape().dim(axis);
            step[axis] = steps == null ? 1 : steps[i];
            if (step[axis] == 0 || step[axis] == Long.MIN_VALUE) throw call.malformed("expected steps other than 0, found " + step[axis]);
            long begin = starts[i] < 0 ? starts[i] + size : starts[i], end = ends[i] < 0 ? Math.max(-1, ends[i] + size) : ends[i];
            boolean back = step[axis] < 0;
            first[axis] = Math.clamp(begin, back ? -1 : 0, back ? size - 1 : size);
            long last = Math.clamp(end, back ? -1 : 0, back ? Math.max(-1, size - 1) : size);
            long way = back ? first[axis] - last : last - first[axis];
            dims.set(axis, way <= 0 ? 0 : Math.toIntExact(Math.ceilDiv(way, Math.abs(step[axis]))));
        }
        var from = numbers.shape();
        var to = new Shape(dims);
        return numbers.made(to, (source, index) -> {
            long at = 0, factor = 1, rest = index;
            for (int axis = rank - 1; axis >= 0; axis--) {
                at += (first[axis] + rest % to.dim(axis) * step[axis]) * factor;
                rest /= to.dim(axis);
                factor *= from.dim(axis);
            }
            return source.getAtIndex(Numbers.FLOAT, at);
        });
    }

    static Numbers cast(Call call) throws IOException {
        long to = call.attributes().integer("to", 0);
        call.attributes().ignore("saturate", "round_mode");
        call.attributes().requireNoOther();
        call.require("to", List.of(1L, 6L, 7L, 10L, 11L, 16L).contains(to), to);
        var numbers = call.numbers(0, "what is cast");
        if (to != 6 && to != 7) return numbers;
        return numbers.elements() <= MOST && numbers.largest() <= 1 << 16 ? whole(numbers)
            : numbers.made(numbers.shape(), (source, i) -> (long) source.getAtIndex(Numbers.FLOAT, i));
    }

    private static Numbers whole(Numbers numbers) {
        var floats = numbers.toArray();
        var whole = new long[floats.length];
        for (int i = 0; i < whole.length; i++) whole[i] = (long) floats[i];
        return Numbers.of(numbers.shape(), whole);
    }

    /** Of whole numbers, a few of them: a difference, or a quotient rounded to zero. */
    static Numbers binary(Call call, boolean quotient) throws IOException {
        call.attributes().requireNoOther();
        Numbers a = call.numbers(0, "the first input"), b = call.numbers(1, "the second input");
        long[] x = call.integers(0, "the first input"), y = call.integers(1, "the second input");
        if (x.length != 1 && y.length != 1 && !a.shape().equals(b.shape())) {
            throw call.unsupported("computes with " + a.shape() + " and " + b.shape() + ", expected one shape or single numbers");
        }
        if (x.length == 0 || y.length == 0) throw call.malformed("expected numbers, found none");
        var result = new long[Math.max(x.length, y.length)];
        for (int i = 0; i < result.length; i++) {
            long left = x[x.length == 1 ? 0 : i], right = y[y.length == 1 ? 0 : i];
            if (quotient && right == 0) throw call.malformed("divides by 0");
            result[i] = quotient ? left / right : left - right;
        }
        return Numbers.of(x.length >= y.length ? a.shape() : b.shape(), result);
    }
}
