// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;
import java.util.ArrayList;
import java.util.HashMap;

/** In training, gives fully connected layers flat sources: weights that change are read as they lie, in the order c h w. */
final class FlattenFeatures implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var flat = new HashMap<Value, Value>();
        var nodes = new ArrayList<Node>();
        int id = graph.nextId();
        for (var node : graph.nodes()) {
            if (node instanceof Node.Linear linear && !linear.src().isFlat()) {
                var src = linear.src();
                if (!flat.containsKey(src)) {
                    flat.put(src, new Value(id++, Shape.of(src.n(), src.c() * src.h() * src.w())));
                    nodes.add(new Node.Flatten(linear.name(), src, flat.get(src)));
                }
                nodes.add(linear.on(value -> flat.getOrDefault(value, value)));
            } else {
                nodes.add(node);
            }
        }
        return graph.with(nodes);
    }
}
