// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Storage.Order;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A step of compilation: a graph that computes the same, nearer to the machine. */
@FunctionalInterface
public interface Pass {
    Graph apply(Graph graph);

    /** All passes for inference, in order, on a device of this order; batches stay whole. */
    static List<Pass> inference(Order order) {
        return inference(order, Long.MAX_VALUE);
    }

    /** The same; of a large batch the early layers take no more images at a time than fit in {@code cacheBytes}. */
    static List<Pass> inference(Order order, long cacheBytes) {
        return inOrder(fusing(),
            List.of(new ConcatBySlices(order), new ChooseLayouts(order), new SubBatches(cacheBytes), new PlanMemory()));
    }

    /** The same in {@code format}, and in 8 bits where {@code ranges} says what a value holds. */
    static List<Pass> inference(Order order, long cacheBytes, Format format, Map<Value, Range> ranges) {
        return inOrder(fusing(), List.of(new ConcatBySlices(order), new ChooseFormats(format, ranges), new ChooseLayouts(order),
            new SubBatches(cacheBytes), new PlanMemory()));
    }

    /** Those that decide what is computed. */
    static List<Pass> fusing() {
        return List.of(new DropIdentities(), new FoldBatchNorm(), new FuseResidual(), new FuseActivation(), new FuseNormOnLoad(),
            new PoolBeforePointwise());
    }

    private static List<Pass> inOrder(List<Pass> first, List<Pass> then) {
        return Stream.concat(first.stream(), then.stream()).toList();
    }
}
