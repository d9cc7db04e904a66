// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.HashMap;
import java.util.HashSet;

/**
 * In mixed-precision training (Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", arXiv:1905.12322), stores what
 * layers make of pictures in another format, and so their gradients. Float32 stay the input, flat features, the sums within
 * operations, what batch norms save, and all that belongs to parameters; no loss needs scaling as long as the format reaches as far
 * as float32. Where it is TF32, which costs features no bits, they have it too, but for logits.
 */
record PictureFormat(Format format) implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var logits = new HashSet<Value>();
        logits.add(graph.whole(graph.output()));
        for (var head : graph.taps().values()) logits.add(graph.whole(head));
        boolean features = format.equals(Format.TF32);
        var formats = new HashMap<>(graph.storage().formats());
        for (var node : graph.nodes()) {
            var whole = graph.whole(node.dst());
            if (!node.dst().isFlat() || features && !logits.contains(whole)) formats.put(whole, format);
        }
        return graph.with(graph.storage().withFormats(formats));
    }
}
