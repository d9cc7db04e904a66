// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.onnx.Operand.Feature;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Operators that move elements or rename dimensions: Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Pad, Concat, ConstantOfShape. */
final class Layouts {
    private final Wiring wiring;

    Layouts(Wiring wiring) {
        this.wiring = wiring;
    }

    // ------------------------------------------------------------------------------------------ other dimensions, same elements

    Operand reshape(Call call) throws IOException {
        var target = call.opset() < 5 ? call.attributes().integers("shape") : call.integers(1, "the shape");
        if (target == null) throw call.malformed("expected a shape, found none");
        boolean zeros = call.attributes().flag("allowzero", false);
        call.attributes().requireNoOther();
        if (call.inputs().getFirst() instanceof Numbers numbers) {
            return numbers.reshaped(new Shape(resolved(call, target, 0, numbers.shape().dims(), numbers.elements(), zeros)));
        }
        var feature = call.feature(0);
        if (call.lead() == 0) return feature.as(resolved(call, target, 0, feature.dims(), feature.elements(), zeros));
        if (target.length == 0) throw call.mixed("makes a scalar");
        boolean keeps = target[0] == 0 && !zeros || target[0] == call.images();
        // A file for any number of images that was made with one.
        if (target[0] == 1 && call.images() < 0) keeps = Arrays.stream(target, 1, target.length).reduce(1,
            Math::multiplyExact) == feature.elements();
        long rest = Arrays.stream(target, 1, target.length).reduce(1, (product, size) -> product * Math.max(size, 0));
        if (target[0] == -1) {
            // The dimension of images, if the others take up all of one.
            boolean all = IntStream.range(1, target.length).allMatch(i -> target[i] > 0) && rest == feature.elements();
            boolean open = call.images() < 0 && IntStream.range(1, target.length).anyMatch(i -> target[i] == -1);
            keeps = all || open;
        }
        if (!keeps) throw call.mixed("makes " + Arrays.toString(target) + " of images of " + Call.text(feature.dims()));
        return feature.as(resolved(call, target, 1, feature.dims(), feature.elements(), zeros));
    }

    /** {@code target} from {@code first} on, with its 0 (as before) and -1 (what remains) filled in. */
    private static List<Integer> resolved(Call call, long[] target, int first, List<Integer> before, long elements, boolean zeros)
            throws IOException {
        var dims = new ArrayList<Integer>();
        int open = -1;
        long known = 1;
        for (int i = first; i < target.length; i++) {
            long size = target[i];
            if (size == 0 && !zeros) {
                if (i - first >= before.size()) {
                    throw call.malformed("expected a dimension to keep, found 0 at place " + i + " of the shape");
                }
                size = before.get(i - first);
            }
            if (size == -1 && open < 0) open = dims.size();
            else if (size < 0 || size > Integer.MAX_VALUE) throw call.malformed("expected a shape, found " + Arrays.toString(target));
            else known = Math.multiplyExact(known, size);
            dims.add((int) size);
        }
        if (open >= 0) {
            if (known == 0 || elements % known != 0) {
                throw call.malformed("expected a shape for " + elements + " elements, found " + Arrays.toString(target));
            }
            dims.set(open, Math.toIntExact(elements / known));
            known *= elements / known;
        }
        if (known != elements) throw call.malformed("expected a shape for " + elements + " elements, found " + Arrays.toString(target));
        return dims;
    }

    Operand flatten(Call call) throws IOException {
        long stated = call.attributes().integer("axis", 1);
        call.attributes().requireNoOther();
        if (call.inputs().getFirst() instanceof Numbers numbers) {
            int rank = numbers.shape().rank(), axis = (int) (stated < 0 ? stated + rank : stated);
            if (axis < 0 || axis > rank) throw call.malformed("expected an axis from " + -rank + " to " + rank + ", found " + stated);
            long front = new Shape(numbers.shape().dims().subList(0, axis)).elements();
            return numbers.reshaped(Shape.of(Math.toIntExact(front), Math.toIntExact(numbers.elements() / Math.max(1, front))));
        }
        var feature = call.feature(0);
        int rank = feature.dims().size() + call.lead();
        long axis = stated < 0 ? stated + rank : stated;
        if (axis < 0 || axis > rank) throw call.malformed("expected an axis from " + -rank + " to " + rank + ", found " + stated);
        int own = (int) axis - call.lead();
        if (call.lead() == 0) return feature.as(List.of(feature.product(0, own), feature.product(own, rank)));
        if (own < 0 || feature.product(0, own) != 1) throw call.mixed("flattens images with their dimensions");
        return feature.as(List.of(feature.product(0, feature.dims().size())));
    }

    Operand squeeze(Call call) throws IOException {
        var axes = call.integers(1, "axes", 13);
        call.attributes().requireNoOther();
        if (call.inputs().getFirst() instanceof Numbers numbers) {
            return numbers.reshaped(new Shape(squeezed(call, axes, numbers.shape().dims(), 0)));
        }
        var feature = call.feature(0);
        if (axes == null && call.lead() == 1 && call.images() == 1) throw call.mixed("squeezes the dimension of images");
        return feature.as(squeezed(call, axes, feature.dims(), call.lead()));
    }

    private static List<Integer> squeezed(Call call, long[] axes, List<Integer> dims, int lead) throws IOException {
        var dropped = new HashSet<Integer>();
        if (axes == null) {
            for (int axis = 0; axis < dims.size(); axis++) if (dims.get(axis) == 1) dropped.add(axis);
        } else {
            for (long axis : axes) dropped.add(axis(call, axis, dims.size(), lead));
        }
        var kept = new ArrayList<Integer>();
        for (int axis = 0; axis < dims.size(); axis++) {
            if (!dropped.contains(axis)) kept.add(dims.get(axis));
            else if (dims.get(axis) != 1) {
                throw call.malformed("expected dimensions of 1 to squeeze, found " + Call.text(dims) + " at axis " + (axis + lead));
            }
        }
        return kept;
    }

    private static int axis(Call call, long axis, int dims, int lead) throws IOException {
        int rank = dims + lead;
        if (axis < -rank || axis >= rank) throw call.malformed("expected an axis from " + -rank + " to " + (rank - 1) + ", found " + axis);
        int own = (int) (axis < 0 ? axis + rank : axis) - lead;
        if (own < 0) throw call.mixed("works along the dimension of images");
        return own;
    }

    Operand unsqueeze(Call call) throws IOException {
        var axes = call.integers(1, "axes", 13);
        call.attributes().requireNoOther();
        if (axes == null) throw call.malformed("expected axes, found none");
        if (axes.length > 16) throw call.malformed("expected at most 16 axes, found " + axes.length);
        if (call.inputs().getFirst() instanceof Numbers numbers) {
            return numbers.reshaped(new Shape(unsqueezed(call, axes, numbers.shape().dims(), 0)));
        }
        var feature = call.feature(0);
        return feature.as(unsqueezed(call, axes, feature.dims(), call.lead()));
    }

    private static List<Integer> unsqueezed(Call call, long[] axes, List<Integer> dims, int lead) throws IOException {
        var places = new TreeSet<Integer>();
        for (long axis : axes) {
            if (!places.add(axis(call, axis, dims.size() + axes.length, lead))) {
                throw call.malformed("expected each axis once, found " + axis + " twice");
            }
        }
        var all = new ArrayList<>(dims);
        for (int place : places) all.add(place, 1);
        return all;
    }

    Operand transpose(Call call) throws IOException {
        var stated = call.attributes().integers("perm");
        call.attributes().requireNoOther();
        var operand = call.inputs().getFirst();
        int lead = operand instanceof Numbers ? 0 : call.lead();
        int rank = operand instanceof Numbers numbers ? numbers.shape().rank() : call.feature(0).dims().size() + lead;
        var perm = stated == null ? IntStream.range(0, rank).map(axis -> rank - 1 - axis).boxed().toList()
            : Arrays.stream(call.small("attribute 'perm'", stated, 0, rank - 1)).boxed().toList();
        if (perm.size() != rank || new HashSet<>(perm).size() != rank) {
            throw call.malformed("expected attribute 'perm' to order " + rank + " dimensions, found " + perm);
        }
        if (operand instanceof Numbers numbers) return numbers.transposed(perm);
        var feature = call.feature(0);
        if (lead == 1 && perm.getFirst() != 0) throw call.mixed("moves the dimension of images");
        var own = perm.stream().skip(lead).map(axis -> axis - lead).toList();
        var dims = own.stream().map(feature.dims()::get).toList();
        var pending = feature.order();
        if (pending != null && pending.dims().equals(feature.dims())) {
            return new Feature(feature.number(), feature.shape(), dims, pending.then(own));
        }
        var plain = wiring.plain(feature);
        return new Feature(plain.number(), plain.shape(), dims, Order.of(new Shape(plain.dims()), own));
    }

    // ------------------------------------------------------------------------------------------ more or other elements

    Operand pad(Call call) throws IOException {
        var mode = call.attributes().text("mode", "constant");
        long[] stated;
        float value = 0;
        if (call.opset() < 11) {
            stated = call.attributes().integers(call.opset() < 2 ? "paddings" : "pads");
            value = call.attributes().real("value", 0);
        } else {
            stated = call.integers(1, "pads");
            if (call.has(2)) value = call.number(2, "the value");
        }
        if (stated == null) throw call.malformed("expected pads, found none");
        call.attributes().requireNoOther();
        var feature = call.feature(0);
        int rank = feature.dims().size() + call.lead();
        var pads = pads(call, stated, rank);
        if (!List.of("constant", "reflect", "edge", "wrap").contains(mode)) {
            throw call.malformed("expected constant, reflect, edge or wrap as attribute 'mode', found '" + mode + "'");
        }
        if (!Float.isFinite(value)) throw call.unsupported("pads with " + value + ", expected a finite number");
        var own = Arrays.copyOfRange(pads, call.lead(), rank);
        if (call.lead() == 1 && (pads[0][0] != 0 || pads[0][1] != 0)) throw call.mixed("pads the dimension of images");
        return padded(call, feature, own, mode, value);
    }

    /** Before and after each of {@code rank} dimensions. */
    private static int[][] pads(Call call, long[] stated, int rank) throws IOException {
        var axes = call.has(3) ? call.integers(3, "axes") : null;
        int count = axes == null ? rank : axes.length;
        if (stated.length != 2 * count) throw call.malformed("expected " + 2 * count + " pads, found " + stated.length);
        var numbers = call.small("pads", stated, -(1 << 20), 1 << 20);
        var pads = new int[rank][2];
        for (int i = 0; i < count; i++) {
            long axis = axes == null ? i : axes[i];
            if (axis < -rank || axis >= rank) {
                throw call.malformed("expected an axis from " + -rank + " to " + (rank - 1) + ", found " + axis);
            }
            pads[(int) (axis < 0 ? axis + rank : axis)] = new int[] {numbers[i], numbers[count + i]};
        }
        return pads;
    }

    private Operand padded(Call call, Feature feature, int[][] pads, String mode, float value) {
        var at = feature;
        int rank = pads.length;
        for (int axis = 0; axis < rank; axis++) {
            boolean plane = axis >= rank - 2 && mode.equals("constant") && pads[axis][0] >= 0 && pads[axis][1] >= 0;
            if (!plane && (pads[axis][0] != 0 || pads[axis][1] != 0)) at = along(call, at, axis, pads[axis], mode, value);
        }
        int[] rows = rank > 1 ? pads[rank - 2] : new int[2], columns = rank > 0 ? pads[rank - 1] : new int[2];
        boolean above = mode.equals("constant") && rank > 1 && rows[0] >= 0 && rows[1] >= 0 && rows[0] + rows[1] > 0;
        boolean beside = mode.equals("constant") && rank > 0 && columns[0] >= 0 && columns[1] >= 0 && columns[0] + columns[1] > 0;
        return above || beside ? aroundPlane(call, at, above ? rows : new int[2], beside ? columns : new int[2], value) : at;
    }

    private Feature aroundPlane(Call call, Feature feature, int[] rows, int[] columns, float value) {
        int rank = feature.dims().size();
        int w = feature.dims().get(rank - 1), h = rank > 1 ? feature.dims().get(rank - 2) : 1;
        int channels = Math.toIntExact(feature.elements() / ((long) h * w));
        var source = wiring.view(feature, Shape.of(channels, h, w));
        // A padding of v is one of zeros around what is less by v.
        var lowered = value == 0 ? source : wiring.affine(call.name(), source, channels, null, Numbers.filled(Shape.of(channels), -value));
        var made = wiring.padded(call.name(), lowered, new Wiring.Padded(lowered, rows[0], columns[0], rows[1], columns[1]), null,
            value == 0 ? null : Numbers.filled(Shape.of(channels), value));
        var dims = new ArrayList<>(feature.dims());
        dims.set(rank - 1, w + columns[0] + columns[1]);
        if (rank > 1) dims.set(rank - 2, h + rows[0] + rows[1]);
        return made.as(dims);
    }

    /** Padded or, by less than nothing, cropped along one dimension. */
    private Feature along(Call call, Feature feature, int axis, int[] pads, String mode, float value) {
        int from = feature.dims().get(axis), to = from + pads[0] + pads[1];
        int outer = feature.product(0, axis);
        if (to < 1) throw call.unsupported("leaves nothing of " + Call.text(feature.dims()));
        boolean zeros = mode.equals("constant") && value == 0 && pads[0] >= 0 && pads[1] >= 0;
        if (zeros && axis == 0 && feature.dims().size() == 3 && pads[0] == (to - from) / 2) {
            var around = wiring.shortcut(call.name(), wiring.view(feature, new Shape(feature.dims())), to);
            return around.as(around.shape().dims());
        }
        boolean reflects = mode.equals("reflect");
        if (reflects && Math.max(pads[0], pads[1]) >= from || mode.equals("wrap") && Math.max(pads[0], pads[1]) > from) {
            throw call.unsupported("pads by " + Arrays.toString(pads) + " what has a size of " + from + " in mode " + mode);
        }
        Wiring.Place place = (_, row) -> {
            int at = row - pads[0];
            if (at >= 0 && at < from) return at;
            return switch (mode) {
                case "reflect" -> at < 0 ? -at : 2 * (from - 1) - at;
                case "edge" -> at < 0 ? 0 : from - 1;
                case "wrap" -> Math.floorMod(at, from);
                default -> -1;
            };
        };
        Numbers addends = null;
        if (mode.equals("constant") && value != 0) {
            addends = Numbers.filled(Shape.of(outer * to), 0).made(Shape.of(outer * to), (_, i) -> place.of(0, (int) (i % to)) < 0
                ? value : 0);
        }
        var made = wiring.mapped(call.name(), feature, outer, from, to, place, addends);
        var dims = new ArrayList<>(feature.dims());
        dims.set(axis, to);
        return made.as(dims);
    }

    Operand concat(Call call) throws IOException {
        if (!call.attributes().has("axis") && call.opset() >= 4) throw call.malformed("expected attribute 'axis', found none");
        long stated = call.attributes().integer("axis", 1);
        call.attributes().requireNoOther();
        Feature first = null;
        for (var input : call.inputs()) if (input instanceof Feature feature && first == null) first = feature;
        if (first == null) return joined(call, stated);
        int axis = call.axis(stated, first);
        var dims = new ArrayList<>(first.dims());
        long total = 0;
        for (var input : call.inputs()) {
            var own = dims(call, input, first.dims().size());
            total += own.get(axis);
            own.set(axis, dims.get(axis));
            if (!own.equals(dims)) {
                throw call.malformed("expected inputs alike but along axis " + stated + ", found " + Call.text(own) + " beside "
                    + Call.text(dims));
            }
        }
        dims.set(axis, Math.toIntExact(total));
        boolean onlyFeatures = call.inputs().stream().allMatch(input -> input instanceof Feature);
        if (onlyFeatures && first.product(0, axis) == 1) {
            var shapes = new ArrayList<Feature>();
            for (var input : call.inputs()) shapes.add(wiring.view((Feature) input, channelsFirst(((Feature) input).dims(), axis)));
            return wiring.joined(call.name(), shapes).as(dims);
        }
        return scattered(call, axis, dims);
    }

    private static List<Integer> dims(Call call, Operand input, int rank) throws IOException {
        var dims = new ArrayList<>(switch (input) {
            case Feature feature -> feature.dims();
            case Numbers numbers -> numbers.shape().dims();
            case null -> throw call.malformed("expected all inputs, found one left out");
        });
        if (input instanceof Numbers && call.lead() == 1 && dims.size() == rank + 1) {
            if (dims.getFirst() != 1 || call.images() != 1) throw call.mixed("joins images with constants");
            dims.removeFirst();
        }
        if (dims.size() != rank) throw call.malformed("expected inputs of one rank, found " + Call.text(dims));
        return dims;
    }

    private static Shape channelsFirst(List<Integer> dims, int axis) {
        var behind = dims.subList(axis + 1, dims.size());
        int rank = behind.size();
        if (dims.size() == 1) return Shape.of(dims.getFirst());
        if (rank == 2) return Shape.of(dims.get(axis), behind.get(0), behind.get(1));
        return Shape.of(dims.get(axis), 1, Math.toIntExact(new Shape(behind).elements()));
    }

    /** Each input put to its place among zeros, and all summed. */
    private Feature scattered(Call call, int axis, List<Integer> dims) throws IOException {
        int outer = Math.toIntExact(new Shape(dims.subList(0, axis)).elements()), total = dims.get(axis);
        int inner = Math.toIntExact(new Shape(dims.subList(axis + 1, dims.size())).elements());
        var terms = new ArrayList<Feature>();
        Numbers constant = null;
        int before = 0;
        for (var input : call.inputs()) {
            int size = dims(call, input, dims.size()).get(axis), start = before;
            if (input instanceof Feature feature) {
                Wiring.Place place = (_, row) -> row >= start && row < start + size ? row - start : -1;
                terms.add(wiring.channels(wiring.mapped(call.name(), feature, outer, size, total, place, null), outer * total));
            } else {
                var rest = constant;
                constant = Numbers.from(Shape.of(outer * total * inner), arena -> {
                    var values = ((Numbers) input).floats(arena);
                    var all = arena.allocate((long) outer * total * inner * Float.BYTES, 64);
                    if (rest != null) all.copyFrom(rest.floats(arena));
                    for (int block = 0; block < outer; block++) {
                        MemorySegment.copy(values, (long) block * size * inner * Float.BYTES, all,
                            ((long) block * total + start) * inner * Float.BYTES, (long) size * inner * Float.BYTES);
                    }
                    return all;
                }, rest == null ? List.of((Numbers) input) : List.of((Numbers) input, rest));
            }
            before += size;
        }
        var shape = Shape.of(outer * total, 1, inner);
        var views = terms.stream().map(term -> wiring.view(term, shape)).toList();
        var sum = (views.size() == 1 ? views.getFirst() : wiring.sum(call.name(), views)).as(dims);
        return constant == null ? sum : wiring.affine(call.name(), sum, outer * total * inner, null, constant);
    }

    /** Constants joined: as a rule the parts of a shape. */
    private static Numbers joined(Call call, long stated) throws IOException {
        var all = new ArrayList<Numbers>();
        for (int i = 0; i < call.inputs().size(); i++) all.add(call.numbers(i, "a part"));
        if (all.isEmpty()) throw call.malformed("expected inputs, found none");
        var first = all.getFirst().shape();
        int axis = axis(call, stated, first.rank(), 0);
        long total = 0;
        for (var part : all) {
            if (part.shape().rank() != first.rank()) {
                throw call.malformed("expected inputs of one rank, found " + part.shape() + " beside " + first);
            }
            total += part.shape().dim(axis);
        }
        var dims = new ArrayList<>(first.dims());
        dims.set(axis, Math.toIntExact(total));
        var shape = new Shape(dims);
        if (shape.elements() != all.stream().mapToLong(Numbers::elements).sum()) {
            throw call.malformed("expected inputs alike but along axis " + stated);
        }
        long outer = new Shape(dims.subList(0, axis)).elements();
        return Numbers.from(shape, arena -> {
            var joined = arena.allocate(shape.elements() * Float.BYTES, 64);
            long at = 0;
            var parts = all.stream().map(part -> part.floats(arena)).toList();
            for (long block = 0; block < outer; block++) {
                for (var part : parts) {
                    long bytes = part.byteSize() / outer;
                    MemorySegment.copy(part, block * bytes, joined, at, bytes);
                    at += bytes;
                }
            }
            return joined;
        }, all);
    }
}
