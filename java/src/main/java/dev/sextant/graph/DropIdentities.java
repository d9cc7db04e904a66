// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.function.Predicate;

/**
 * Drops what computes nothing: identities (dropout among them), a flattening that only fully connected layers read, which take
 * their source in that order anyway, and nodes whose result nobody reads.
 */
public final class DropIdentities implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var plain = dropping(graph, node -> node instanceof Node.Identity);
        var uses = plain.uses();
        return withoutDead(dropping(plain, node -> node instanceof Node.Flatten && !plain.isReported(node.dst())
            && uses.getOrDefault(node.dst(), List.of()).stream().allMatch(use -> use instanceof Node.Linear)));
    }

    /** Readers of a dropped node read its source. */
    private static Graph dropping(Graph graph, Predicate<Node> drops) {
        var instead = new HashMap<Value, Value>();
        var kept = new ArrayList<Node>();
        for (var node : graph.nodes()) {
            if (drops.test(node)) {
                var src = node.sources().getFirst();
                instead.put(node.dst(), instead.getOrDefault(src, src));
            } else {
                kept.add(node);
            }
        }
        return graph.with(kept).on(value -> instead.getOrDefault(value, value));
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
