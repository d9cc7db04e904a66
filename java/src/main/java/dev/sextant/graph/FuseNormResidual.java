// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.ArrayList;
import java.util.HashMap;

/**
 * In training, lets a batch norm add the other term of a sum to what it writes: ResNet's skip connection then costs a load, and its
 * gradient nothing. The norm moves to the sum's place, where the other term is ready; nobody but the sum may read it. Of two that
 * could, the later one takes the sum.
 */
final class FuseNormResidual implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var uses = graph.uses();
        var nodes = new ArrayList<Node>();
        var positions = new HashMap<Value, Integer>();
        for (var node : graph.nodes()) {
            Node placed = node;
            if (node instanceof Node.Eltwise sum && sum.other() != null && !sum.src().equals(sum.other())) {
                int last = -1;
                for (var term : sum.sources()) {
                    var position = positions.get(term);
                    if (position != null && nodes.get(position) instanceof Node.TrainingNorm norm && norm.residual() == null
                        && norm.tail() == Function.IDENTITY && (sum.tail() == Function.IDENTITY || norm.takes(sum.tail()))
                        && uses.get(term).size() == 1 && !graph.isReported(term)) last = Math.max(last, position);
                }
                if (last >= 0) {
                    var norm = (Node.TrainingNorm) nodes.set(last, null);
                    var other = sum.src().equals(norm.dst()) ? sum.other() : sum.src();
                    placed = norm.withResidual(other, sum.tail(), sum.dst());
                }
            }
            positions.put(placed.dst(), nodes.size());
            nodes.add(placed);
        }
        nodes.removeIf(node -> node == null);
        return graph.with(nodes);
    }
}
