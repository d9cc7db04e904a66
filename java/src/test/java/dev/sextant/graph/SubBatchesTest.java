// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import dev.sextant.graph.Storage.Order;
import dev.sextant.graph.Storage.Segment;
import dev.sextant.models.Networks;
import dev.sextant.nn.Nn;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubBatchesTest {
    /** Two values of 16 x 18 x 18 floats are alive at a time: 41,472 bytes an image. */
    private static final Nn LAYER = conv(16, 3).pad(1);
    private static final int IMAGE = 2 * 16 * 18 * 18 * 4;

    private static Graph planned(Nn network, long cacheBytes, int... input) {
        return graph(network, input).through(Pass.inference(Order.NCHW16C, cacheBytes));
    }

    private static List<Segment> segments(Nn network, long cacheBytes, int... input) {
        return planned(network, cacheBytes, input).storage().segments();
    }

    /** As many images at a time as fit and divide the batch; one if none fits, all if all do. */
    @Test
    void aPortionFitsTheCacheAndDividesTheBatch() {
        var deep = seq(LAYER, LAYER, LAYER, LAYER, LAYER);
        assertEquals(List.of(new Segment(0, 7, 4)), segments(deep, 4 * IMAGE, 8, 16, 16, 16));
        assertEquals(List.of(new Segment(0, 7, 3)), segments(deep, 5 * IMAGE, 6, 16, 16, 16));
        assertEquals(List.of(new Segment(0, 7, 1)), segments(deep, 5 * IMAGE, 7, 16, 16, 16));
        assertEquals(List.of(new Segment(0, 7, 1)), segments(deep, 1, 8, 16, 16, 16));
        assertEquals(List.of(), segments(deep, 8 * IMAGE, 8, 16, 16, 16));
        assertEquals(List.of(), segments(deep, 1, 1, 16, 16, 16));
    }

    /** Each portion reads the weights again: layers that are mostly weights take the whole batch. */
    @Test
    void layersOfManyWeightsStayWhole() {
        var graph = planned(seq(LAYER, LAYER, LAYER, linear(1000), linear(1000)), IMAGE, 8, 16, 16, 16);
        var segment = graph.storage().segments().getFirst();
        assertTrue(graph.nodes().subList(0, segment.end()).stream().noneMatch(node -> node instanceof Node.Linear), graph::toString);
        assertEquals(8, graph.images(graph.nodes().get(segment.end() - 1).dst()), "what leaves the segment is there for all images");
        assertEquals(1, graph.images(graph.nodes().get(segment.end() - 2).dst()));
    }

    /** A tap is the caller's and has all images; what the last image reads may not be overwritten after the first. */
    @Test
    void whatCrossesTheBorderIsThereForAllImages() {
        var deep = seq(LAYER.as("tap"), LAYER, LAYER, LAYER, LAYER);
        var graph = Graph.of(deep, Shape.of(8, 16, 16, 16)).tapping(List.of("tap")).through(Pass.inference(Order.NCHW16C, IMAGE));
        assertEquals(8, graph.images(graph.taps().get("tap")));
        assertEquals(8, graph.images(graph.output()));
        assertEquals(8, graph.images(graph.input()));
    }

    /** A part of the graph keeps the memory of the whole. */
    @Test
    void oneNodeOfASegmentStillTakesItsImages() {
        var graph = planned(seq(LAYER, LAYER, LAYER, LAYER), IMAGE, 8, 16, 16, 16);
        assertEquals(List.of(new Segment(0, 1, 1)), graph.only(2).segments());
        assertEquals(1, graph.only(2).images(graph.nodes().get(2).dst()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"vgg16", "googlenet", "resnet50", "densenet121"})
    void sixteenPicturesTakeLessThanHalfTheMemory(String name) {
        var network = Networks.named(name);
        var input = network.input().prepend(16);
        var described = Graph.of(network.body(), input).tapping(List.of());
        var whole = described.through(Pass.inference(Order.NCHW16C)).storage();
        var cut = described.through(Pass.inference(Order.NCHW16C, SubBatches.cacheBytes(2))).storage();
        assertTrue(2 * cut.workspaceBytes() < whole.workspaceBytes(), () -> cut.workspaceBytes() + " of " + whole.workspaceBytes());
    }
}
