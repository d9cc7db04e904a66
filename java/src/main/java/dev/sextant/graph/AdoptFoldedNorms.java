// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Constant.Parameter;
import dev.sextant.nn.Layers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Set;

/**
 * Follows a checkpoint whose batch norms were folded away before it was stored: where a norm's four keys are absent and the
 * convolution before it has a bias that the description denies it, the bias is the convolution's own and the norm the identity. Where
 * the description grants it one (VGG with norms), that no norm at all was stored tells the same.
 *
 * @param keys what the checkpoint has
 */
public record AdoptFoldedNorms(Set<String> keys) implements Pass {

    @Override
    public Graph apply(Graph graph) {
        boolean anyNorm = graph.nodes().stream().anyMatch(node -> node instanceof Node.BatchNorm norm && isStored(norm));
        var nodes = new ArrayList<Node>();
        var positions = new HashMap<Value, Integer>();
        for (var node : graph.nodes()) {
            Node kept = node;
            var position = positions.get(node.sources().getFirst());
            if (node instanceof Node.BatchNorm norm && position != null && nodes.get(position) instanceof Node.Conv conv
                && isFolded(conv, norm, anyNorm)) {
                var bias = new Parameter(biasOf(conv), norm.norm().beta().shape());
                nodes.set(position, conv.withConstants(conv.weights(), bias, conv.dst()));
                kept = new Node.Identity(norm.name(), norm.src(), norm.dst());
            }
            positions.put(node.dst(), nodes.size());
            nodes.add(kept);
        }
        return graph.with(nodes);
    }

    private boolean isFolded(Node.Conv conv, Node.BatchNorm norm, boolean anyNorm) {
        return keys.contains(biasOf(conv)) && (conv.bias() == null ? !isStored(norm) : !anyNorm);
    }

    private boolean isStored(Node.BatchNorm norm) {
        return norm.norm().parameters().stream().anyMatch(parameter -> keys.contains(parameter.key()));
    }

    private static String biasOf(Node.Conv conv) {
        return Layers.join(conv.name(), "bias");
    }
}
