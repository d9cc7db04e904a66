// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.nn.Conv;
import dev.sextant.nn.GlobalPool;
import dev.sextant.nn.Pool;
import dev.sextant.onnx.Operand.Feature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Conv, MaxPool, AveragePool and the global pools: over planes, over rows (of height 1), and, pools, over volumes by turns. */
final class Windows {
    private static final int MOST = 1 << 20;

    private final Wiring wiring;
    private final Naming naming;

    Windows(Wiring wiring, Naming naming) {
        this.wiring = wiring;
        this.naming = naming;
    }

    /** Along each dimension of space. */
    private record Sliding(int[] kernel, int[] stride, int[] before, int[] after, int[] dilation) {
        long reach(int axis) {
            return dilation[axis] * (kernel[axis] - 1L) + 1;
        }

        /** How many windows fit. */
        int count(int axis, int size) {
            long count = Math.floorDiv(size + (long) before[axis] + after[axis] - reach(axis), stride[axis]) + 1;
            return (int) Math.max(0, Math.min(Integer.MAX_VALUE, count));
        }

        /** Rows and columns, with a row of height 1 where there is only one dimension. */
        Sliding plane() {
            if (kernel.length == 2) return this;
            return new Sliding(front(kernel, 1), front(stride, 1), front(before, 0), front(after, 0), front(dilation, 1));
        }

        private static int[] front(int[] of, int value) {
            return new int[] {value, of[0]};
        }

        Sliding only(int from, int to) {
            return new Sliding(Arrays.copyOfRange(kernel, from, to), Arrays.copyOfRange(stride, from, to),
                Arrays.copyOfRange(before, from, to),
                Arrays.copyOfRange(after, from, to), Arrays.copyOfRange(dilation, from, to));
        }
    }

    private static Sliding sliding(Call call, List<Integer> space, int[] kernel) throws IOException {
        int rank = space.size();
        var stride = each(call, "strides", rank, 1, 1);
        var dilation = each(call, "dilations", rank, 1, 1);
        var auto = call.attributes().text("auto_pad", "NOTSET");
        var given = call.attributes().integers("pads");
        var before = new int[rank];
        var after = new int[rank];
        switch (auto) {
            case "NOTSET", "" -> {
                if (given != null) {
                    if (given.length != 2 * rank) {
                        throw call.malformed("expected " + 2 * rank + " numbers in attribute 'pads', found " + given.length);
                    }
                    var pads = call.small("pads", given, 0, MOST);
                    before = Arrays.copyOf(pads, rank);
                    after = Arrays.copyOfRange(pads, rank, 2 * rank);
                }
            }
            case "VALID" -> { }
            case "SAME_UPPER", "SAME_LOWER" -> {
                for (int axis = 0; axis < rank; axis++) {
                    long windows = Math.ceilDiv(space.get(axis), stride[axis]);
                    long total = Math.max(0, (windows - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1L) + 1 - space.get(axis));
                    if (total > MOST) throw call.malformed("expected padding of at most " + MOST + ", found " + total);
                    int less = (int) total / 2, more = (int) total - less;
                    before[axis] = auto.equals("SAME_UPPER") ? less : more;
                    after[axis] = auto.equals("SAME_UPPER") ? more : less;
                }
            }
            default -> throw call.malformed("expected NOTSET, SAME_UPPER, SAME_LOWER or VALID as attribute 'auto_pad', found '" + auto
                + "'");
        }
        return new Sliding(kernel, stride, before, after, dilation);
    }

    private static int[] each(Call call, String attribute, int rank, int least, int otherwise) throws IOException {
        var found = call.attributes().integers(attribute);
        if (found == null) {
            var all = new int[rank];
            Arrays.fill(all, otherwise);
            return all;
        }
        if (found.length != rank) {
            throw call.malformed("expected " + rank + " numbers in attribute '" + attribute + "', found " + found.length);
        }
        return call.small("attribute '" + attribute + "'", found, least, MOST);
    }

    /** The one dilation that the kernels know; that of a single tap means nothing. */
    private static int dilation(Call call, Sliding window) {
        int h = window.kernel[0] == 1 ? window.dilation[1] : window.dilation[0], w = window.kernel[1] == 1 ? h : window.dilation[1];
        call.require("dilations", h == w, h + ", " + w);
        return h;
    }

    // ------------------------------------------------------------------------------------------ convolution

    Operand conv(Call call) throws IOException {
        var feature = call.feature(0);
        var dims = call.image(feature, 2);
        var weights = call.numbers(1, "the weights");
        var shape = weights.shape();
        int rank = dims.size() - 1, group = (int) Math.clamp(call.attributes().integer("group", 1), 0, MOST);
        if (shape.rank() != rank + 2) throw call.malformed("expected weights of " + (rank + 2) + " dimensions, found " + shape);
        if (weights.elements() == 0) throw call.malformed("expected weights, found none: " + shape);
        if (group < 1 || (long) group * shape.dim(1) != dims.getFirst() || shape.dim(0) % group != 0) {
            throw call.malformed("expected weights " + shape + " in " + group + " groups to fit " + dims.getFirst() + " channels");
        }
        var kernel = shape.dims().subList(2, rank + 2).stream().mapToInt(size -> size).toArray();
        var stated = call.attributes().integers("kernel_shape");
        if (stated != null && !Arrays.equals(stated, Arrays.stream(kernel).asLongStream().toArray())) {
            throw call.malformed("expected attribute 'kernel_shape' as in the weights " + shape + ", found " + Arrays.toString(stated));
        }
        var window = sliding(call, dims.subList(1, rank + 1), kernel);
        var bias = call.has(2) ? call.numbers(2, "the bias", Shape.of(shape.dim(0))) : null;
        call.attributes().requireNoOther();
        var name = naming.of(call, "weight", "bias");
        if (rank > 2) return volume(call, name, feature, dims, weights, group, window, bias);

        var plane = window.plane();
        var inner = feature;
        var padding = wiring.padding(feature);
        int top = plane.before[0], left = plane.before[1], bottom = plane.after[0], right = plane.after[1];
        if (padding != null) {
            inner = padding.inner();
            top += padding.top();
            left += padding.left();
            bottom += padding.bottom();
            right += padding.right();
        } else {
            inner = wiring.view(feature, planes(dims));
        }
        var conv = new Conv(shape.dim(0), plane.kernel[0], plane.kernel[1], plane.stride[0], plane.stride[1], top, left, bottom, right,
            dilation(call, plane), group, bias != null);
        var filters = weights.reshaped(Shape.of(shape.dim(0), shape.dim(1), plane.kernel[0], plane.kernel[1]));
        var made = wiring.layer(name, conv, inner, bias == null ? List.of(filters) : List.of(filters, bias));
        return ofSpace(call, made, rank);
    }

    /** {@code c h w} of an image whose own dimensions these are; what lies between the channels and the last two counts as channels. */
    static Shape planes(List<Integer> dims) {
        var shape = new Shape(dims);
        return switch (dims.size()) {
            case 0 -> Shape.of(1, 1, 1);
            case 1 -> Shape.of(shape.dim(0), 1, 1);
            case 2 -> Shape.of(shape.dim(0), 1, shape.dim(1));
            default -> {
                int last = dims.size() - 1;
                long front = new Shape(dims.subList(0, last - 1)).elements();
                yield Shape.of(Math.toIntExact(front), shape.dim(last - 1), shape.dim(last));
            }
        };
    }

    private static Feature ofSpace(Call call, Feature made, int rank) {
        var shape = made.shape();
        return call.ofImage(made, rank == 1 ? List.of(shape.dim(0), shape.dim(2)) : shape.dims());
    }

    /** A small convolution over a volume, as the matrix that it is. */
    private Feature volume(Call call, String name, Feature feature, List<Integer> dims, Numbers weights, int group, Sliding window,
        Numbers bias) {
        int out = weights.shape().dim(0), each = weights.shape().dim(1), rank = dims.size() - 1;
        var to = new ArrayList<Integer>(List.of(out));
        for (int axis = 0; axis < rank; axis++) {
            int count = window.count(axis, dims.get(axis + 1));
            if (count == 0) throw new IllegalArgumentException("expected room for a window, found " + new Shape(dims));
            to.add(count);
        }
        int rows = Math.toIntExact(new Shape(to).elements()), columns = Math.toIntExact(feature.elements());
        if ((long) rows * columns > Wiring.MOST_WEIGHTS) {
            throw call.unsupported("convolves over " + rank + " dimensions, expected at most 2 (or a result that is a matrix of at most "
                + Wiring.MOST_WEIGHTS + " weights)");
        }
        int taps = Arrays.stream(window.kernel).reduce(1, Math::multiplyExact), pixels = rows / out, from = columns / dims.getFirst();
        var matrix = Numbers.from(Shape.of(rows, columns), arena -> {
            var floats = arena.allocate((long) rows * columns * Float.BYTES, 64);
            var filters = weights.floats(arena);
            for (int pixel = 0; pixel < pixels; pixel++) {
                for (int tap = 0; tap < taps; tap++) {
                    int at = source(window, dims, to, pixel, tap);
                    if (at < 0) continue;
                    for (int k = 0; k < out; k++) {
                        int first = k / (out / group) * each;
                        for (int c = 0; c < each; c++) {
                            float weight = filters.getAtIndex(Numbers.FLOAT, ((long) k * each + c) * taps + tap);
                            floats.setAtIndex(Numbers.FLOAT, ((long) k * pixels + pixel) * columns + (long) (first + c) * from + at,
                                weight);
                        }
                    }
                }
            }
            return floats;
        }, List.of(weights));
        var made = wiring.dense(name, feature, matrix);
        if (bias != null) made = wiring.affine(name + ".bias", made, out, null, bias);
        return call.ofImage(made, to);
    }

    /** The pixel that {@code tap} of the window at {@code pixel} falls on, -1 for padding. */
    private static int source(Sliding window, List<Integer> dims, List<Integer> to, int pixel, int tap) {
        int found = 0, factor = 1;
        for (int axis = window.kernel.length - 1; axis >= 0; axis--) {
            int size = dims.get(axis + 1);
            int at = pixel % to.get(axis + 1) * window.stride[axis] - window.before[axis]
                + tap % window.kernel[axis] * window.dilation[axis];
            if (at < 0 || at >= size) return -1;
            found += at * factor;
            factor *= size;
            pixel /= to.get(axis + 1);
            tap /= window.kernel[axis];
        }
        return found;
    }

    // ------------------------------------------------------------------------------------------ pooling

    Operand pool(Call call, Pool.Kind kind) throws IOException {
        var feature = call.feature(0);
        var dims = call.image(feature, 2);
        var stated = call.attributes().integers("kernel_shape");
        if (stated == null) throw call.malformed("expected attribute 'kernel_shape', found none");
        int rank = dims.size() - 1;
        if (stated.length != rank) {
            throw call.malformed("expected " + rank + " numbers in attribute 'kernel_shape', found " + stated.length);
        }
        var window = sliding(call, dims.subList(1, rank + 1), call.small("attribute 'kernel_shape'", stated, 1, MOST));
        boolean ceil = call.attributes().flag("ceil_mode", false);
        boolean counts = kind == Pool.Kind.MAX || call.attributes().flag("count_include_pad", false);
        if (kind == Pool.Kind.MAX) call.attributes().ignore("storage_order");
        call.attributes().requireNoOther();

        if (rank > 3) throw call.unsupported("pools over " + rank + " dimensions, expected at most 3");
        if (rank < 3) return ofSpace(call, pool(call, kind, window.plane(), wiring.view(feature, planes(dims)), ceil, counts), rank);
        // Over a volume: over its planes first, then along the rest, for which each of them is a row of pixels.
        var planes = pool(call, kind, window.only(1, 3), wiring.view(feature, planes(dims)), ceil, counts);
        int h = planes.shape().dim(1), w = planes.shape().dim(2);
        var behind = window.only(0, 1);
        var rows = new Sliding(new int[] {behind.kernel[0], 1}, new int[] {behind.stride[0], 1}, new int[] {behind.before[0], 0},
            new int[] {behind.after[0], 0}, new int[] {behind.dilation[0], 1});
        var made = pool(call, kind, rows, wiring.view(planes, Shape.of(dims.get(0), dims.get(1), Math.multiplyExact(h, w))), ceil, counts);
        return call.ofImage(made, List.of(dims.get(0), made.shape().dim(1), h, w));
    }

    private Feature pool(Call call, Pool.Kind kind, Sliding window, Feature source, boolean ceil, boolean counts) {
        var pool = new Pool(kind, window.kernel[0], window.kernel[1], window.stride[0], window.stride[1], window.before[0],
            window.before[1], window.after[0], window.after[1], dilation(call, window), ceil, counts);
        var padding = counts && kind == Pool.Kind.AVG && !ceil ? wiring.padding(source) : null;
        if (padding != null) {
            int top = pool.padTop() + padding.top(), left = pool.padLeft() + padding.left();
            int bottom = pool.padBottom() + padding.bottom(), right = pool.padRight() + padding.right();
            if (Math.max(top, bottom) < window.reach(0) && Math.max(left, right) < window.reach(1)) {
                var wider = new Pool(kind, pool.r(), pool.s(), pool.strideH(), pool.strideW(), top, left, bottom, right, pool.dilation(),
                    false, true);
                return wiring.layer(call.name(), wider, padding.inner());
            }
        }
        return wiring.layer(call.name(), pool, source);
    }

    Operand global(Call call, Pool.Kind kind) throws IOException {
        var feature = call.feature(0);
        var dims = call.image(feature, 2);
        call.attributes().requireNoOther();
        int pixels = feature.product(feature.dims().size() - dims.size() + 1, feature.dims().size());
        var shape = dims.size() == 3 ? new Shape(dims) : Shape.of(dims.getFirst(), 1, pixels);
        var made = wiring.layer(call.name(), new GlobalPool(kind), wiring.view(feature, shape));
        var to = new ArrayList<>(dims.subList(0, 1));
        for (int axis = 1; axis < dims.size(); axis++) to.add(1);
        return call.ofImage(made, to);
    }

}
