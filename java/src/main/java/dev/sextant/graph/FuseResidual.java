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

    @Override
    public Graph apply(Graph graph) {
        var uses = graph.uses();
        var nodes = new ArrayList<Node>();
        var positions = new HashMap<Value, Integer>();
        for (var node : graph.nodes()) {
            Node placed = node;
            if (node instanceof Node.Eltwise sum && sum.other() != null) {
                int last = -1;
                for (var term : sum.sources()) {
                    var position = positions.get(term);
                    if (position != null && nodes.get(position) instanceof Node.Conv conv && conv.isPlain()
                        && uses.get(term).size() == 1 && !graph.isReported(term)) last = Math.max(last, position);
                }
                if (last >= 0) {
                    var conv = (Node.Conv) nodes.set(last, null);
                    var other = sum.src().equals(conv.dst()) ? sum.other() : sum.src();
                    placed = conv.withResidual(other, sum.tail(), sum.dst());
                }
            }
            positions.put(placed.dst(), nodes.size());
            nodes.add(placed);
        }
        nodes.removeIf(node -> node == null);
        return graph.with(nodes);
    }
}
