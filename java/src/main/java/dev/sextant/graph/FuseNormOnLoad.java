// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/**
 * Lets pointwise convolutions apply the batch norm and ReLU before them while they load their source (DenseNet, where the
 * normalised copy would be as large as all layers so far together). Only where every reader can: for one that cannot, the
 * normalised value has to be written anyway, and then the others read it for nothing.
 */
public final class FuseNormOnLoad implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var uses = graph.uses();
        var fused = new HashMap<Value, Node.BatchNorm>();
        for (var node : graph.nodes()) {
            if (node instanceof Node.BatchNorm norm && norm.tail() == Function.RELU && !graph.isReported(norm.dst())
                && uses.getOrDefault(norm.dst(), List.of()).stream().allMatch(use -> takes(use, norm.dst()))) {
                fused.put(norm.dst(), norm);
            }
        }
        var nodes = new ArrayList<Node>();
        for (var node : graph.nodes()) {
            if (fused.containsKey(node.dst())) continue;
            var norm = node instanceof Node.Conv conv ? fused.get(conv.src()) : null;
            nodes.add(norm == null ? node : ((Node.Conv) node).withPre(norm.norm(), norm.src()));
        }
        return graph.with(nodes);
    }

    private static boolean takes(Node use, Value normalised) {
        return use instanceof Node.Conv conv && conv.window().isPointwise() && conv.groups() == 1 && conv.pre() == null
            && !normalised.equals(conv.residual());
    }
}
