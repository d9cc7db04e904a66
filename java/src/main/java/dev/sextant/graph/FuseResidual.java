// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.ArrayList;
import java.util.HashMap;

/**
 * Lets a convolution add the other term of a sum to what it writes: ResNet's skip connection costs one more load. The convolution
 * moves to the sum's place, where the other term is ready; nobody but the sum may read it. Of two that could, the later one takes
 * the sum.
 */
public final class FuseResidual implements Pass {

    /** What stands for a node and the sum of its result and {@code other}; null where it cannot take the sum. */
    @FunctionalInterface
    interface Taking {
        Node sum(Node node, Value other, Node.Eltwise sum);
    }

    @Override
    public Graph apply(Graph graph) {
        return sumsTaken(graph, (node, other, sum) -> node instanceof Node.Conv conv && conv.isPlain()
            ? conv.withResidual(other, sum.tail(), sum.dst()) : null);
    }

    static Graph sumsTaken(Graph graph, Taking taking) {
        var uses = graph.uses();
        var nodes = new ArrayList<Node>();
        var positions = new HashMap<Value, Integer>();
        for (var node : graph.nodes()) {
            Node placed = node;
            if (node instanceof Node.Eltwise sum && sum.other() != null) {
                int last = -1;
                for (var term : sum.sources()) {
                    var position = positions.get(term);
                    if (position == null || uses.get(term).size() > 1 || graph.isReported(term)) continue;
                    var other = term.equals(sum.src()) ? sum.other() : sum.src();
                    var taken = position > last ? taking.sum(nodes.get(position), other, sum) : null;
                    if (taken == null) continue;
                    last = position;
                    placed = taken;
                }
                if (last >= 0) nodes.set(last, null);
            }
            positions.put(placed.dst(), nodes.size());
            nodes.add(placed);
        }
        nodes.removeIf(node -> node == null);
        return graph.with(nodes);
    }
}
