// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.node;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.graph.Format.Kind;
import dev.sextant.graph.Storage.Order;
import dev.sextant.nn.Nn;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ChooseFormatsTest {

    /** In 8 bits, where each value's range is as wide as the layers before it are many. */
    private static Graph quantised(Nn network, int... input) {
        var traced = graph(network, input);
        var ranges = new HashMap<Value, Range>();
        for (var node : traced.nodes()) ranges.put(node.dst(), new Range(-node.dst().id(), 255 - node.dst().id()));
        return traced.through(Pass.inference(Order.NCHW16C, Long.MAX_VALUE, Format.BF16, ranges));
    }

    private static Format format(Graph graph, String name) {
        return graph.layout(node(graph, name).dst()).format();
    }

    @Test
    void whatLiesBetweenInputAndOutputIsNarrow() {
        Nn network = seq(conv(16, 3).as("a"), relu(), conv(16, 3).as("b"), globalAvgPool().as("c"), linear(5).as("d"), softmax().as("e"));
        var narrow = graph(network, 1, 3, 9, 9).through(Pass.inference(Order.NCHW16C, Long.MAX_VALUE, Format.BF16, Map.of()));
        assertEquals(Format.F32, narrow.layout(narrow.input()).format());
        for (var name : new String[] {"a", "b", "c"}) assertEquals(Format.BF16, format(narrow, name), name);
        for (var name : new String[] {"d", "e"}) assertEquals(Format.F32, format(narrow, name), name);
        assertEquals(Format.F32, format(graph(network, 1, 3, 9, 9).through(Pass.inference(Order.NCHW16C)), "a"));

        var steps = quantised(network, 1, 3, 9, 9);
        assertEquals(Format.u8(1, 2), format(steps, "a"), "that of the ReLU, the second layer, which is fused");
        assertEquals(Format.u8(1, 3), format(steps, "b"));
        assertEquals(Format.F32, format(steps, "d"));
    }

    /** Parts lie in the steps of the whole, and what a max pool picks from it stays in them. */
    @Test
    void whatOnlyMovesNumbersKeepsTheirSteps() {
        var graph = quantised(seq(concat(conv(16, 1).as("a"), conv(16, 1).as("b")), maxPool(2, 2).as("pool"), conv(8, 1).as("c"),
            globalAvgPool(), linear(3)), 1, 3, 8, 8);
        var shared = format(graph, "pool");
        assertEquals(Kind.U8, shared.kind());
        assertEquals(shared, format(graph, "0.a"));
        assertEquals(shared, format(graph, "0.b"));
        assertEquals(new Range(-4, 254).format(), shared, "the union of the first four layers' ranges");
    }

    /** One scale for all channels is too coarse for those that a norm stretches most. */
    @Test
    void whatIsNormalisedStaysBfloat16() {
        Nn layer = concat(identity(), seq(batchNorm(), relu(), conv(16, 1).noBias()));
        var graph = quantised(seq(conv(16, 1).as("a"), layer, layer, maxPool(2, 2), conv(16, 3).as("b"), relu(), linear(3)), 1, 3, 8, 8);
        assertEquals(Format.BF16, format(graph, "a"));
        assertEquals(Kind.U8, format(graph, "b").kind());
    }

    @Test
    void wideInputsAreCopiedNarrow() {
        var graph = graph(seq(conv(16, 3).as("a"), globalAvgPool()), 1, 8, 9, 9).through(Pass.inference(Order.NCHW16C, Long.MAX_VALUE, Format.BF16, Map.of()));
        assertEquals("reorder", graph.nodes().getFirst().text());
        assertEquals(Format.BF16, graph.layout(graph.nodes().getFirst().dst()).format());
    }

    @Test
    void rangesBecomeStepsWithAnExactZero() {
        assertEquals(Format.u8(2 / 255f, 0), new Range(0, 2).format());
        assertEquals(Format.u8(1, 55), new Range(-55, 200).format());
        assertEquals(Format.u8(1, 255), new Range(-255, 0).format());
        assertEquals(Format.u8(1, 0), new Range(0, 0).format());
        assertThrows(IllegalArgumentException.class, () -> new Range(1, 2));
        assertThrows(IllegalArgumentException.class, () -> new Range(0, Float.POSITIVE_INFINITY));
    }

    @Test
    void rangesOutliveTheirFileAndFitAnyShape() {
        Nn network = seq(conv(4, 1).as("a"), add(identity(), identity(), conv(4, 1)).as("sum"));
        var traced = graph(network, 1, 4, 5, 5);
        var byLayer = new TreeMap<String, Range>();
        Ranges.names(traced).values().forEach(name -> byLayer.put(name, new Range(-name.length(), 0.1f)));
        var ranges = Ranges.of(new Ranges(byLayer).metadata(), "file");
        assertEquals(byLayer, ranges.byLayer());
        assertEquals(traced.nodes().size(), byLayer.size(), "each value has a name of its own");
        assertEquals(byLayer.size(), ranges.on(graph(network, 3, 4, 7, 9)).size());
        assertEquals(Ranges.NONE, Ranges.of(Map.of("other", "note"), "file"));
        for (var text : new String[] {"1", "1 2", "-1 x", "", "0 NaN"}) {
            var wrong = Map.of("sextant.ranges", "1", "sextant.range.a", text);
            assertThrows(IllegalArgumentException.class, () -> Ranges.of(wrong, "file"), text);
        }
        assertThrows(IllegalArgumentException.class, () -> Ranges.of(Map.of("sextant.ranges", "2"), "file"));
    }
}
