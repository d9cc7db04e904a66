// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

/** Lets the node before an activation function apply it to what it writes, while that is still in registers. */
public final class FuseActivation implements Pass {

    @Override
    public Graph apply(Graph graph) {
        return graph.mergingTails((made, read) -> made instanceof Node.Tailed tailed && tailed.tail() == Function.IDENTITY
            && read instanceof Node.Eltwise function && function.other() == null && tailed.takes(function.tail())
            ? tailed.withTail(function.tail(), function.dst())
            : null);
    }
}
