// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Storage.Order;
import dev.sextant.graph.Storage.Slice;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/**
 * Lets the parts of a concatenation be written straight into their channels of the whole, so that joining costs nothing. Nested
 * ones share the outermost whole: in a DenseNet block, where {@code x <- [x, H(x)]} (Huang et al., arXiv:1608.06993, eq. 2),
 * every layer appends its channels to one buffer as wide as the block's end. A part that is the graph's input or lies elsewhere
 * already is copied in; a concatenation whose parts do not all begin at a whole block of channels, which in planes is a whole cache
 * line too, stays as it is.
 *
 * @param order of the device
 */
public record ConcatBySlices(Order order) implements Pass {

    /** Bytes of a cache line, at whose beginning a step wants its operands where they are planes. */
    private static final int LINE = 64;

    @Override
    public Graph apply(Graph graph) {
        var slices = new HashMap<>(graph.storage().slices());
        var makers = new HashMap<Value, Node>();
        for (var node : graph.nodes()) makers.put(node.dst(), node);
        var nodes = new ArrayList<Node>();
        int id = graph.nextId();
        // From the last to the first, so that a whole knows its own place in a wider one before it places its parts.
        for (var node : graph.nodes().reversed()) {
            if (!(node instanceof Node.Concat concat) || !aligns(concat, slices)) {
                nodes.add(node);
                continue;
            }
            var place = slices.getOrDefault(concat.dst(), new Slice(concat.dst(), 0));
            int channel = place.channel();
            for (var part : concat.sources()) {
                var slice = new Slice(place.whole(), channel);
                if (isFree(part, makers, slices)) {
                    slices.put(part, slice);
                } else {
                    var copy = new Value(id++, part.shape());
                    slices.put(copy, slice);
                    nodes.add(new Node.Reorder(concat.name(), part, copy));
                }
                channel += part.c();
            }
        }
        Collections.reverse(nodes);
        return graph.with(nodes).with(graph.storage().withSlices(slices));
    }

    private boolean aligns(Node.Concat concat, Map<Value, Slice> slices) {
        if (concat.dst().isFlat()) return false;
        int channel = slices.containsKey(concat.dst()) ? slices.get(concat.dst()).channel() : 0;
        for (var part : concat.sources()) {
            if (channel % order.block() != 0) return false;
            if (order.hasPlanes() && (long) channel * part.h() * part.w() * Float.BYTES % LINE != 0) return false;
            channel += part.c();
        }
        return true;
    }

    /** Softmax and reshaping write plain n c h w only. */
    private static boolean isFree(Value part, Map<Value, Node> makers, Map<Value, Slice> slices) {
        var maker = makers.get(part);
        return maker != null && !(maker instanceof Node.Softmax) && !(maker instanceof Node.Flatten) && !slices.containsKey(part);
    }
}
