// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.node;
import static dev.sextant.graph.Graphs.preserving;
import static dev.sextant.graph.Graphs.texts;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.graph.Storage.Order;
import dev.sextant.nn.Nn;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConcatBySlicesTest {
    private final ConcatBySlices pass = new ConcatBySlices(Order.NCHW16C);

    private Graph after(Nn network, int... input) {
        return preserving(graph(network, input), g -> pass.apply(new DropIdentities().apply(g)));
    }

    @Test
    void branchesWriteTheirChannelsOfTheWhole() {
        var after = after(seq(concat(conv(16, 1).as("a"), conv(32, 1).as("b"), conv(5, 1).as("c")), relu()), 2, 3, 4, 4);
        assertEquals(List.of("conv 1x1", "conv 1x1", "conv 1x1", "relu"), texts(after));
        var whole = node(after, "1").sources().getFirst();
        assertEquals(53, whole.c());
        for (var name : List.of("0.a", "0.b", "0.c")) assertEquals(whole, after.whole(node(after, name).dst()));
        assertEquals(16, after.channel(node(after, "0.b").dst()));
        assertEquals(48, after.channel(node(after, "0.c").dst()));
    }

    /** All layers of a dense block append to one buffer. */
    @Test
    void nestedOnesShareTheOutermostWhole() {
        Nn layer = concat(identity(), seq(relu(), conv(16, 1)));
        var after = after(seq(conv(32, 1).as("first"), layer, layer, layer, tanh()), 1, 3, 4, 4);
        assertTrue(texts(after).stream().noneMatch("concat"::equals));
        var whole = node(after, "4").sources().getFirst();
        assertEquals(80, whole.c());
        assertEquals(whole, after.whole(node(after, "first").dst()));
        assertEquals(List.of(32, 48, 64),
            List.of(1, 2, 3).stream().map(i -> after.channel(node(after, i + ".1.1").dst())).toList());
    }

    @Test
    void partsThatLieElsewhereAreCopiedIn() {
        var input = after(seq(concat(conv(16, 1), identity())), 1, 3, 4, 4);
        assertEquals(List.of("conv 1x1", "reorder"), texts(input), "the graph's input");
        var twice = after(seq(conv(16, 1), concat(identity(), identity())), 1, 3, 4, 4);
        assertEquals(List.of("conv 1x1", "reorder"), texts(twice), "the same part in two places");
    }

    @Test
    void misalignedOnesAreCopied() {
        assertEquals(List.of("conv 1x1", "conv 1x1", "concat"), texts(after(seq(concat(conv(12, 1), conv(16, 1))), 1, 3, 4, 4)));
        assertEquals(List.of("linear", "linear", "concat"), texts(after(seq(concat(linear(16), linear(16))), 1, 3, 4, 4)),
            "features");
    }

    /** Steps want their operands on whole cache lines: a block of 8 channels of 3x3 is four and a half. */
    @Test
    void slicesBeginAtCacheLines() {
        Nn network = seq(concat(conv(8, 1), conv(8, 1)));
        var eight = new ConcatBySlices(Order.NCHW8C);
        assertEquals(List.of("conv 1x1", "conv 1x1", "concat"), texts(preserving(graph(network, 1, 3, 3, 3), eight::apply)));
        assertEquals(List.of("conv 1x1", "conv 1x1"), texts(preserving(graph(network, 1, 3, 4, 4), eight::apply)));
    }
}
