// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Constant.Scaled;
import dev.sextant.graph.Constant.Shift;

/** Folds a batch norm into the convolution before it: {@code scale (W x + b) + shift = (scale W) x + (scale b + shift)}. */
public final class FoldBatchNorm implements Pass {

    @Override
    public Graph apply(Graph graph) {
        return graph.mergingTails((made, read) ->
            made instanceof Node.Conv conv && conv.isPlain() && read instanceof Node.BatchNorm norm
            ? conv.withConstants(new Scaled(conv.weights(), norm.norm()), new Shift(conv.bias(), norm.norm()), norm.dst())
                .withTail(norm.tail(), norm.dst())
            : null);
    }
}
