// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.preserving;
import static dev.sextant.graph.Graphs.texts;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.Shape;
import dev.sextant.nn.Nn;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseNormOnLoadTest {

    private static List<String> after(Nn network) {
        return texts(preserving(graph(network, 2, 3, 5, 5), FuseNormOnLoadTest::passed));
    }

    private static Graph passed(Graph graph) {
        return new FuseNormOnLoad().apply(new FuseActivation().apply(graph));
    }

    @Test
    void pointwiseConvolutionsNormaliseAsTheyLoad() {
        assertEquals(List.of("norm relu conv 1x1"), after(seq(batchNorm(), relu(), conv(4, 1))));
        assertEquals(List.of("norm relu conv 1x1/2"), after(seq(batchNorm(), relu(), conv(4, 1).stride(2))));
        assertEquals(List.of("norm relu conv 1x1", "norm relu conv 1x1", "concat"),
            after(seq(batchNorm(), relu(), concat(conv(4, 1), conv(2, 1)))));
    }

    /**
     * Padding is zero after the norm, so a padded convolution cannot take it; neither can a norm without ReLU or another reader.
     */
    @Test
    void othersKeepTheNorm() {
        assertEquals(List.of("norm relu", "conv 3x3"), after(seq(batchNorm(), relu(), conv(4, 3))));
        assertEquals(List.of("norm relu", "conv 1x1 pad 1"), after(seq(batchNorm(), relu(), conv(4, 1).pad(1))));
        assertEquals(List.of("norm", "conv 1x1"), after(seq(batchNorm(), conv(4, 1))));
        assertEquals(List.of("norm relu", "conv 1x1", "max pool 1x1", "concat"),
            after(seq(batchNorm(), relu(), concat(conv(4, 1), maxPool(1, 1)))));
        assertEquals(List.of("norm relu", "conv 1x1"),
            texts(preserving(Graph.of(seq(batchNorm(), relu().as("tap"), conv(4, 1)), Shape.of(1, 3, 5, 5)),
                FuseNormOnLoadTest::passed)));
    }
}
