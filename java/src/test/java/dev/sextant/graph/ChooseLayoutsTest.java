// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.node;
import static dev.sextant.graph.Graphs.preserving;
import static dev.sextant.graph.Graphs.texts;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.sextant.Shape;
import dev.sextant.graph.Storage.Layout;
import dev.sextant.graph.Storage.Order;
import dev.sextant.nn.Nn;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChooseLayoutsTest {
    private static final List<Pass> BEFORE = List.of(new DropIdentities(), new ConcatBySlices(Order.NCHW16C));

    private static Graph after(Nn network, int... input) {
        return preserving(graph(network, input).through(BEFORE), new ChooseLayouts(Order.NCHW16C)::apply);
    }

    private static Layout layout(Graph graph, String name) {
        return graph.layout(node(graph, name).dst());
    }

    @Test
    void theFirstConvolutionReadsFewChannelsAsTheyAre() {
        assertEquals(List.of("conv 3x3 pad 1", "reorder"), texts(after(seq(conv(8, 3).pad(1)), 1, 3, 6, 6)));
        assertEquals(List.of("reorder", "conv 3x3 pad 1", "reorder"), texts(after(seq(conv(8, 3).pad(1)), 1, 5, 6, 6)));
        assertEquals(List.of("reorder", "max pool 2x2/2", "reorder"), texts(after(seq(maxPool(2, 2)), 1, 3, 6, 6)));
    }

    @Test
    void haloIsTheWidestNeedOfTheReaders() {
        var after = after(seq(conv(16, 1).as("a"), concat(conv(16, 3).pad(1), conv(16, 5).pad(2), maxPool(3, 1, 1)), conv(16, 1)),
            1, 3, 6, 6);
        assertEquals(new Layout(Order.NCHW16C, 2, Format.F32), layout(after, "a"));
        assertEquals(new Layout(Order.NCHW16C, 0, Format.F32), after.layout(after.whole(node(after, "1.0").dst())));
    }

    /** A window may reach further below than above: 5 pixels, stride 2, dilation 2, padding 1. */
    @Test
    void haloCoversWhatWindowsReachBelow() {
        var window = new Window(3, 3, 2, 2, 1, 1, 2);
        var src = new Value(0, Shape.of(1, 1, 5, 5));
        assertEquals(1, window.reach(src, new Value(1, Shape.of(1, 1, 2, 2))));
        assertEquals(0, new Window(1, 1, 1, 1, 0, 0, 1).reach(src, src));
    }

    /** All slices of a whole have its halo. */
    @Test
    void slicesShareTheirWholesLayout() {
        var after = after(seq(concat(conv(16, 1).as("a"), conv(16, 1).as("b")), conv(4, 3).pad(1)), 1, 3, 6, 6);
        assertEquals(new Layout(Order.NCHW16C, 1, Format.F32), layout(after, "0.a"));
        assertEquals(new Layout(Order.NCHW16C, 1, Format.F32), layout(after, "0.b"));
    }

    @Test
    void fullyConnectedLayersReadBlocksInOneGo() {
        assertEquals(List.of("conv 1x1", "linear", "linear"), texts(after(seq(conv(16, 1), linear(3), linear(2)), 1, 3, 6, 6)));
        var shared = after(seq(conv(16, 1), add(seq(conv(9, 3).pad(1), linear(3)), linear(3))), 1, 3, 6, 6);
        assertEquals(List.of("conv 1x1", "conv 3x3 pad 1", "linear", "reorder", "linear", "add"), texts(shared),
            "what has a halo is copied first");
        var slice = after(seq(concat(conv(16, 1), conv(16, 1).as("b")), concat(linear(2), linear(2))), 1, 3, 6, 6);
        assertFalse(texts(slice).contains("reorder"));
    }

    @Test
    void featuresOutputAndTapsArePlain() {
        var graph = Graph.of(seq(conv(16, 1).as("conv"), globalAvgPool(), flatten().as("flat"), softmax().as("soft")),
            Shape.of(2, 3, 4, 4));
        var after = preserving(graph.through(BEFORE), new ChooseLayouts(Order.NCHW16C)::apply);
        assertEquals(Layout.PLAIN, after.layout(after.output()));
        after.taps().values().forEach(tap -> assertEquals(Layout.PLAIN, after.layout(tap)));
        assertEquals(Layout.PLAIN, layout(after, "flat"));
        var same = after(seq(identity()), 1, 3, 4, 4);
        assertEquals(List.of("reorder"), texts(same), "the output is never the input itself");
    }
}
