// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.bindings.sextant_conv2d;
import dev.sextant.bindings.sextant_lrn;
import dev.sextant.bindings.sextant_place;
import dev.sextant.bindings.sextant_pool2d;
import dev.sextant.bindings.sextant_tensor;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Node;
import dev.sextant.graph.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/** The C header's structs for the values and nodes of one planned graph. */
final class Problems {
    private final Graph graph;
    private final Map<Value, Integer> callers;
    private int images;

    /** @param callers the buffers of values that do not lie in the workspace */
    Problems(Graph graph, Map<Value, Integer> callers) {
        this.graph = graph;
        this.callers = callers;
        this.images = graph.input().n();
    }

    /** From now on operations take so many images at a time. */
    void of(int images) {
        this.images = images;
    }

    MemorySegment tensor(Value value, Arena arena) {
        var tensor = sextant_tensor.allocate(arena);
        fill(value, tensor);
        return tensor;
    }

    void fill(Value value, MemorySegment tensor) {
        var layout = graph.layout(value);
        sextant_tensor.dtype(tensor, layout.format().kind().ordinal());
        sextant_tensor.scale(tensor, layout.format().scale());
        sextant_tensor.zero_point(tensor, layout.format().zeroPoint());
        sextant_tensor.layout(tensor, layout.order().code());
        sextant_tensor.n(tensor, images);
        sextant_tensor.c(tensor, value.c());
        sextant_tensor.h(tensor, value.h());
        sextant_tensor.w(tensor, value.w());
        sextant_tensor.halo(tensor, layout.halo());
        sextant_tensor.c_total(tensor, graph.whole(value).c());
    }

    /** Each image of {@code value} as {@code rows} images with as many channels together. */
    void fillRows(Value value, int rows, MemorySegment tensor) {
        fill(value, tensor);
        sextant_tensor.n(tensor, Math.multiplyExact(images, rows));
        sextant_tensor.c(tensor, value.c() / rows);
        sextant_tensor.c_total(tensor, value.c() / rows);
    }

    /** Plain n c h w in the shape of {@code src} is its flattened value {@code flat}. */
    MemorySegment unflattened(Value flat, Value src, Arena arena) {
        var tensor = tensor(flat, arena);
        sextant_tensor.c(tensor, src.c());
        sextant_tensor.h(tensor, src.h());
        sextant_tensor.w(tensor, src.w());
        sextant_tensor.c_total(tensor, src.c());
        return tensor;
    }

    /** A convolution between {@code src} and {@code dst}, values of the node or their gradients; without a tail. */
    MemorySegment conv(Node.Conv conv, Value src, Value dst, Precision precision, Arena arena) {
        var window = conv.window();
        var problem = sextant_conv2d.allocate(arena);
        fill(src, sextant_conv2d.src(problem));
        fill(dst, sextant_conv2d.dst(problem));
        sextant_conv2d.r(problem, window.r());
        sextant_conv2d.s(problem, window.s());
        sextant_conv2d.stride_h(problem, window.strideH());
        sextant_conv2d.stride_w(problem, window.strideW());
        sextant_conv2d.pad_top(problem, window.padTop());
        sextant_conv2d.pad_bottom(problem, window.padBottom());
        sextant_conv2d.pad_left(problem, window.padLeft());
        sextant_conv2d.pad_right(problem, window.padRight());
        sextant_conv2d.dilation_h(problem, window.dilation());
        sextant_conv2d.dilation_w(problem, window.dilation());
        sextant_conv2d.groups(problem, conv.groups());
        sextant_conv2d.strict(problem, precision == Precision.STRICT ? 1 : 0);
        return problem;
    }

    /** What {@code conv} does besides convolving. */
    void tail(Node.Conv conv, MemorySegment problem) {
        sextant_conv2d.activation(problem, conv.tail().ordinal());
        sextant_conv2d.pre_activation(problem, conv.pre() == null ? 0 : 1);
        sextant_conv2d.has_residual(problem, conv.residual() == null ? 0 : 1);
        if (conv.residual() != null) fill(conv.residual(), sextant_conv2d.residual(problem));
    }

    MemorySegment pool(Node.Pool pool, Arena arena) {
        var problem = sextant_pool2d.allocate(arena);
        fill(pool, problem);
        return problem;
    }

    void fill(Node.Pool pool, MemorySegment problem) {
        var window = pool.window();
        fill(pool.src(), sextant_pool2d.src(problem));
        fill(pool.dst(), sextant_pool2d.dst(problem));
        sextant_pool2d.kind(problem, pool.kind().ordinal());
        sextant_pool2d.r(problem, window.r());
        sextant_pool2d.s(problem, window.s());
        sextant_pool2d.stride_h(problem, window.strideH());
        sextant_pool2d.stride_w(problem, window.strideW());
        sextant_pool2d.pad_top(problem, window.padTop());
        sextant_pool2d.pad_bottom(problem, window.padBottom());
        sextant_pool2d.pad_left(problem, window.padLeft());
        sextant_pool2d.pad_right(problem, window.padRight());
        sextant_pool2d.dilation_h(problem, window.dilation());
        sextant_pool2d.dilation_w(problem, window.dilation());
        sextant_pool2d.pre_activation(problem, pool.pre() == null ? 0 : 1);
    }

    MemorySegment lrn(Node.Lrn lrn, Arena arena) {
        var problem = sextant_lrn.allocate(arena);
        fill(lrn, problem);
        return problem;
    }

    void fill(Node.Lrn lrn, MemorySegment problem) {
        fill(lrn.src(), sextant_lrn.src(problem));
        fill(lrn.dst(), sextant_lrn.dst(problem));
        sextant_lrn.size(problem, lrn.size());
        sextant_lrn.alpha(problem, (float) lrn.alpha());
        sextant_lrn.beta(problem, (float) lrn.beta());
        sextant_lrn.bias(problem, (float) lrn.k());
    }

    /** Where an operand lies. */
    record Place(int buffer, long offset) {
        /** An array of the C header's structs. */
        static MemorySegment array(List<Place> places, Arena arena) {
            var array = sextant_place.allocateArray(places.size(), arena);
            for (int i = 0; i < places.size(); i++) {
                var place = sextant_place.asSlice(array, i);
                sextant_place.offset(place, places.get(i).offset);
                sextant_place.buffer(place, places.get(i).buffer);
            }
            return array;
        }
    }

    /** Where {@code value} lies for an operation that does the images from {@code image} on. */
    Place place(Value value, int image) {
        var whole = graph.whole(value);
        var layout = graph.layout(value);
        long start = callers.containsKey(whole) ? 0 : graph.storage().offsets().get(whole);
        if (graph.images(whole) > images) start += image * layout.imageBytes(whole);
        return new Place(callers.getOrDefault(whole, 0), start + layout.channelOffset(whole, graph.channel(value)));
    }

    /** Bytes of its pixels, whole blocks of channels: the halo is hardly ever touched. */
    long bytes(Value value) {
        return value.n() * graph.layout(value).pixelBytes(value);
    }
}
