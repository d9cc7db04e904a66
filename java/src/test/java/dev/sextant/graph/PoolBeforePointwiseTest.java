// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.preserving;
import static dev.sextant.graph.Graphs.texts;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.Shape;
import dev.sextant.graph.Storage.Order;
import dev.sextant.models.Networks;
import dev.sextant.nn.Nn;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoolBeforePointwiseTest {

    private static List<String> after(Nn network) {
        return texts(preserving(graph(network, 2, 3, 7, 6), PoolBeforePointwiseTest::passed));
    }

    private static Graph passed(Graph graph) {
        return new PoolBeforePointwise().apply(new FuseNormOnLoad().apply(new FuseActivation().apply(graph)));
    }

    @Test
    void theAverageComesFirst() {
        assertEquals(List.of("average with pad pool 2x2/2", "conv 1x1"), after(seq(conv(4, 1), avgPool(2, 2))));
        assertEquals(List.of("average with pad pool 3x3/4", "conv 1x1 groups 3"), after(seq(conv(6, 1).groups(3), avgPool(3, 4, 0))));
        assertEquals(List.of("average pool 7x6", "conv 1x1"), after(seq(conv(4, 1), globalAvgPool())));
        assertEquals(List.of("average with pad pool 2x2/2", "average with pad pool 2x2/2", "conv 1x1"),
            after(seq(conv(4, 1), avgPool(2, 2), avgPool(2, 2))));
    }

    /** A DenseNet's transition: the norm goes where the load is. */
    @Test
    void theNormOnLoadGoesOverToThePool() {
        assertEquals(List.of("norm relu average with pad pool 2x2/2", "conv 1x1"),
            after(seq(batchNorm(), relu(), conv(4, 1).noBias(), avgPool(2, 2))));
        assertEquals(
            List.of("norm relu average with pad pool 2x2/2", "conv 1x1", "max pool 3x3", "norm relu conv 1x1", "max pool 7x6", "concat"),
            after(seq(batchNorm(), relu(),
                concat(seq(conv(4, 1), avgPool(2, 2), globalMaxPool()), seq(conv(2, 1), globalMaxPool())))));
    }

    /** Padding would dilute the bias, overlapping windows save nothing, and what others read must be there. */
    @Test
    void othersKeepTheirOrder() {
        assertEquals(List.of("conv 1x1", "average pool 2x2/2 pad 1"), after(seq(conv(4, 1), avgPool(2, 2, 1).countPad(false))));
        assertEquals(List.of("conv 1x1", "average with pad pool 2x2/2"), after(seq(conv(4, 1), avgPool(2, 2, 0).ceil(true))));
        assertEquals(List.of("conv 1x1", "average with pad pool 2x2"), after(seq(conv(4, 1), avgPool(2, 1, 0))));
        assertEquals(List.of("conv 1x1", "max pool 2x2/2"), after(seq(conv(4, 1), maxPool(2, 2))));
        assertEquals(List.of("conv 1x1 relu", "average with pad pool 2x2/2"), after(seq(conv(4, 1), relu(), avgPool(2, 2))));
        assertEquals(List.of("conv 3x3", "average with pad pool 2x2/2"), after(seq(conv(4, 3), avgPool(2, 2))));
        assertEquals(List.of("conv 1x1/2", "average with pad pool 2x2/2"), after(seq(conv(4, 1).stride(2), avgPool(2, 2))));
        assertEquals(List.of("conv 1x1", "average with pad pool 2x2/2", "max pool 2x2/2", "concat"),
            after(seq(conv(4, 1), concat(avgPool(2, 2), maxPool(2, 2)))));
        assertEquals(List.of("conv 1x1", "average with pad pool 2x2/2"), texts(preserving(
            Graph.of(seq(conv(4, 1).as("tap"), avgPool(2, 2)), Shape.of(1, 3, 6, 6)), PoolBeforePointwiseTest::passed)));
    }

    /** Of the graph's three transitions each is swapped. */
    @Test
    void denseNetSavesThreeQuartersOfItsTransitions() {
        var network = Networks.named("densenet121");
        var compiled = Graph.of(network.body(), network.input().prepend(1)).tapping(List.of()).through(Pass.inference(Order.NCHW16C));
        assertEquals(3, texts(compiled).stream().filter("norm relu average with pad pool 2x2/2"::equals).count(), compiled::toString);
    }
}
