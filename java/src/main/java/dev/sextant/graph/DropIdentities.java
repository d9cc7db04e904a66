// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;

/**
 * Drops what computes nothing: identities (dropout among them), a flattening that only fully connected layers read, which take their
 * source in that order anyway, and nodes whose result nobody reads.
 */
public final class DropIdentities implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var uses = graph.uses();
        var instead = new HashMap<Value, Value>();
        var kept = new ArrayList<Node>();
        for (var node : graph.nodes()) {
            boolean drops = switch (node) {
                case Node.Identity _ -> true;
                case Node.Flatten flatten -> !graph.isReported(flatten.dst())
                    && uses.getOrDefault(flatten.dst(), List.of()).stream().allMatch(use -> use instanceof Node.Linear);
                default -> false;
            };
            if (drops) {
                var src = node.sources().getFirst();
                instead.put(node.dst(), instead.getOrDefault(src, src));
            } else {
                kept.add(node);
            }
        }
        return withoutDead(graph.with(kept).on(value -> instead.getOrDefault(value, value)));
    }

    private static Graph withoutDead(Graph graph) {
        var read = new HashSet<Value>(graph.taps().values());
        read.add(graph.output());
        var kept = new ArrayList<Node>();
        for (var node : graph.nodes().reversed()) {
            if (!read.contains(node.dst())) continue;
            read.addAll(node.sources());
            kept.add(node);
        }
        return graph.with(kept.reversed());
    }
}
