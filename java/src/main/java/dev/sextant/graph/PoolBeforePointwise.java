// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;
import java.util.ArrayList;
import java.util.HashMap;

/**
 * Averages before a pointwise convolution instead of behind it, which computes the same from fewer pixels: {@code mean(W x + b) =
 * W mean(x) + b}. A DenseNet's transitions (Huang et al., arXiv:1608.06993, sec. 3) take a quarter of the products; the norm and
 * ReLU that the convolution applied to its source as it loaded it go over to the pool. Only for windows that lie in the image,
 * where an average is linear and keeps the bias, and do not overlap; nobody but the pool may read what the convolution makes.
 */
public final class PoolBeforePointwise implements Pass {

    @Override
    public Graph apply(Graph graph) {
        var uses = graph.uses();
        var nodes = new ArrayList<Node>();
        var positions = new HashMap<Value, Integer>();
        int id = graph.nextId();
        for (var node : graph.nodes()) {
            var position = node instanceof Node.Pool pool && averagesApart(pool) ? positions.get(pool.src()) : null;
            if (position != null && nodes.get(position) instanceof Node.Conv conv && isPointwise(conv)
                && uses.get(conv.dst()).size() == 1 && !graph.isReported(conv.dst())) {
                var pool = (Node.Pool) node;
                var pooled = new Value(id++, Shape.of(pool.src().n(), conv.src().c(), pool.dst().h(), pool.dst().w()));
                nodes.set(position, new Node.Pool(pool.name(), conv.src(), pooled, pool.kind(), pool.window(), conv.pre()));
                nodes.add(conv.withPre(null, pooled).withTail(conv.tail(), pool.dst()));
            } else {
                nodes.add(node);
            }
            positions.put(node.dst(), nodes.size() - 1);
        }
        return graph.with(nodes);
    }

    private static boolean isPointwise(Node.Conv conv) {
        return conv.window().isPointwise() && conv.window().strideH() == 1 && conv.window().strideW() == 1 && conv.isPlain();
    }

    private static boolean averagesApart(Node.Pool pool) {
        Value src = pool.src(), dst = pool.dst();
        var window = pool.window();
        return (pool.kind() == Node.PoolKind.AVERAGE || pool.kind() == Node.PoolKind.AVERAGE_WITH_PAD) && pool.pre() == null
            && window.dilation() == 1 && window.reach(src, dst) == 0 && (window.strideH() >= window.r() || dst.h() == 1)
            && (window.strideW() >= window.s() || dst.w() == 1) && dst.h() * dst.w() < src.h() * src.w();
    }
}
