// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.HashMap;

/**
 * In mixed-precision training (Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", arXiv:1905.12322), stores what
 * layers make of pictures as bfloat16, and so their gradients. Float32 stay the input, flat features, the sums within operations,
 * what batch norms save, and all that belongs to parameters; no loss needs scaling, for bfloat16 reaches as far as float32.
 */
final class NarrowPictures implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var formats = new HashMap<>(graph.storage().formats());
        for (var node : graph.nodes()) {
            if (!node.dst().isFlat()) formats.put(graph.whole(node.dst()), Format.BF16);
        }
        return graph.with(graph.storage().withFormats(formats));
    }
}
