// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.node;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.Shape;
import dev.sextant.graph.Storage.Layout;
import dev.sextant.graph.Storage.Order;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Where the numbers of a value lie: what is wrong here, kernels read and write over other values. */
class StorageTest {
    private static final Value VALUE = new Value(0, Shape.of(2, 20, 5, 7));

    @Test
    void pixelsOfAllChannelsFilledUpToEight() {
        var layout = new Layout(Order.NHWC, 0, Format.BF16);
        assertEquals(5 * 7 * 24 * 2, layout.imageBytes(VALUE));
        assertEquals(5 * 7 * 24 * 2, layout.pixelBytes(VALUE));
        assertEquals(16 * 2, layout.channelOffset(VALUE, 16));
        assertEquals(5 * 7 * 24 * 4, new Layout(Order.NHWC, 0, Format.TF32).imageBytes(VALUE));
        assertEquals(8 * 4, new Layout(Order.NHWC, 0, Format.F32).channelOffset(VALUE, 8));
        assertEquals("nhwc f16", new Layout(Order.NHWC, 0, Format.F16).toString());
        assertThrows(IllegalArgumentException.class, () -> new Layout(Order.NHWC, 1, Format.F32));
    }

    @Test
    void planesOfBlocksWithTheirHalos() {
        var layout = new Layout(Order.NCHW16C, 1, Format.F32);
        assertEquals(2 * 7 * 9 * 16 * 4, layout.imageBytes(VALUE));
        assertEquals(2 * 5 * 7 * 16 * 4, layout.pixelBytes(VALUE));
        assertEquals(7 * 9 * 16 * 4, layout.channelOffset(VALUE, 16));
        assertEquals(20 * 5 * 7 * 4, Layout.PLAIN.imageBytes(VALUE));
        assertEquals(3 * 5 * 7 * 4, Layout.PLAIN.channelOffset(VALUE, 3));
    }

    /** Whatever the planes' sizes, and without halos around what padded convolutions read. */
    @Test
    void slicesOfPixelsBeginAtMultiplesOfEight() {
        var network = seq(conv(8, 3).as("first"), concat(conv(24, 1).as("a"), conv(12, 3).pad(1).as("b")).as("both"), conv(4, 3).pad(1).as("last"));
        var planned = graph(network, 3, 3, 7, 7).through(Pass.inference(Order.NHWC, Long.MAX_VALUE, Format.F16, Map.of()));
        Value a = node(planned, "both.a").dst(), b = node(planned, "both.b").dst();
        assertEquals(planned.whole(a), planned.whole(b));
        assertEquals(24, planned.channel(b));
        assertEquals(new Layout(Order.NHWC, 0, Format.F16), planned.layout(b));
        assertEquals(3L * 5 * 5 * 40 * 2, planned.bytes(planned.whole(a)));
        assertEquals(Layout.PLAIN, planned.layout(planned.input()));
        assertEquals(Layout.PLAIN, planned.layout(planned.output()));
    }

    @Test
    void concatenationsOfOtherChannelsAreCopied() {
        var planned = graph(seq(conv(8, 3), concat(conv(12, 1).as("a"), conv(8, 1).as("b")).as("both"), conv(4, 1)), 1, 3, 7, 7)
            .through(Pass.inference(Order.NHWC));
        assertEquals(0, planned.storage().slices().size());
    }
}
