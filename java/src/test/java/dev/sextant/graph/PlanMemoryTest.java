// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.graph.Storage.Order;
import dev.sextant.models.Networks;
import dev.sextant.nn.Nn;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlanMemoryTest {

    private static Graph planned(Nn network, int... input) {
        return graph(network, input).through(Pass.inference(Order.NCHW16C));
    }

    /** However deep, two buffers take turns. */
    @Test
    void valuesThatLiveAtDifferentTimesShareMemory() {
        Nn layer = seq(conv(16, 3).pad(1), relu());
        var deep = planned(seq(layer, layer, layer, layer, layer, layer, layer), 1, 16, 10, 10);
        assertEquals(2 * 16 * 12 * 12 * 4, deep.storage().workspaceBytes());
        assertEquals(deep.storage().workspaceBytes(), deep.storage().largestLiveBytes());
    }

    /** The second slice is written long after the first; both stay until the whole is read. */
    @Test
    void aWholeLivesAsLongAsItsSlices() {
        var graph = planned(seq(concat(conv(16, 1).as("a"), seq(conv(16, 1), conv(16, 1), conv(16, 1).as("b"))), conv(8, 1)), 1,
            16, 4, 4);
        long whole = graph.storage().offsets().get(graph.whole(Graphs.node(graph, "0.a").dst()));
        graph.storage().offsets().forEach((value, offset) -> {
            if (value.c() == 16 && value.id() != graph.input().id()
                && graph.nodes().stream().anyMatch(n -> n.dst().equals(value)))
                assertTrue(offset >= whole + 2 * 1024 || offset + 1024 <= whole, () -> value + " lies in the whole in\n" + graph);
        });
    }

    @Test
    void theCallersMemoryIsNotPlanned() {
        var graph = planned(seq(linear(3)), 1, 3, 4, 4);
        assertEquals(0, graph.storage().workspaceBytes());
        assertTrue(graph.storage().offsets().isEmpty());
    }

    /** The busiest step sets the bound; the plan may not lose more than 2 % to gaps. */
    @ParameterizedTest
    @ValueSource(strings =
        {"alexnet", "vgg16", "googlenet", "googlenet_2014", "resnet50", "resnet110", "densenet121", "densenet_bc_100_12"})
    void theCataloguesNetworksFitTightly(String name) {
        var network = Networks.named(name);
        for (var order : List.of(Order.NHWC, Order.NCHW8C, Order.NCHW16C)) {
            var storage = Graph.of(network.body(), network.input().prepend(1)).tapping(List.of()).through(Pass.inference(order))
                .storage();
            assertTrue(storage.workspaceBytes() <= 1.02 * storage.largestLiveBytes(),
                () -> name + ": " + storage.workspaceBytes() + " bytes, "
                + storage.largestLiveBytes() + " live");
        }
    }

    /** DenseNet's concatenations cost nothing: its block of 16-channel layers is one buffer, and no step copies. */
    @Test
    void denseNetCopiesNothing() {
        var network = Networks.named("densenet121");
        var graph = Graph.of(network.body(), network.input().prepend(1)).tapping(List.of()).through(Pass.inference(Order.NCHW16C));
        assertTrue(graph.nodes().stream().noneMatch(node -> node instanceof Node.Concat || node instanceof Node.Reorder),
            graph::toString);
        assertEquals(1, graph.nodes().stream().filter(node -> node instanceof Node.BatchNorm).count(),
            "only the last norm has no convolution behind it");
    }
}
