// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.List;

/** A step of compilation: a graph that computes the same, nearer to the machine. */
@FunctionalInterface
public interface Pass {
    Graph apply(Graph graph);

    /** All passes for inference, in order, on a device whose blocked layout has {@code block} channels; batches stay whole. */
    static List<Pass> inference(int block) {
        return inference(block, Long.MAX_VALUE);
    }

    /** The same; of a large batch the early layers take no more images at a time than fit in {@code cacheBytes}. */
    static List<Pass> inference(int block, long cacheBytes) {
        return List.of(new DropIdentities(), new FoldBatchNorm(), new FuseResidual(), new FuseActivation(), new FuseNormOnLoad(),
            new PoolBeforePointwise(), new ConcatBySlices(block), new ChooseLayouts(block), new SubBatches(cacheBytes),
            new PlanMemory());
    }
}
