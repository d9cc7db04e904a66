// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import dev.sextant.graph.Node.PoolKind;
import dev.sextant.graph.Storage.Order;
import dev.sextant.models.Networks;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GraphTest {

    static List<String> names() {
        return Networks.names();
    }

    /** The graph reads exactly the parameters that the description lists. */
    @ParameterizedTest
    @MethodSource("names")
    void parametersAreTheDescriptions(String name) {
        var network = Networks.named(name);
        var graph = Graph.of(network.body(), network.input().prepend(2));
        assertEquals(network.layers().parameters().stream().map(p -> p.key() + " " + p.shape()).sorted().toList(),
            graph.parameters().values().stream().map(p -> p.key() + " " + p.shape()).sorted().toList());
        assertEquals(network.output().prepend(2), graph.output().shape());
        assertEquals(network.layers().stages().keySet(), graph.taps().keySet());
        graph.taps().forEach((stage, value) ->
            assertEquals(network.layers().stages().get(stage), value.shape().dropFirst(), stage));
    }

    @Test
    void branchesBecomeNodes() {
        var graph = Graphs.graph(seq(add(relu(), tanh(), seq()), concat(seq(), sigmoid())), 2, 3, 4, 4);
        assertEquals(List.of("relu", "tanh", "add", "add", "sigmoid", "concat"), Graphs.texts(graph));
        assertEquals(Shape.of(2, 6, 4, 4), graph.output().shape());
    }

    @Test
    void adaptivePoolingIsPlainWhereSizesDivide() {
        assertEquals(PoolKind.AVERAGE, ((Node.Pool) Graphs.graph(adaptiveAvgPool(2, 3), 1, 1, 4, 9).nodes().getFirst()).kind());
        assertEquals(PoolKind.AVERAGE_ADAPTIVE,
            ((Node.Pool) Graphs.graph(adaptiveAvgPool(2, 3), 1, 1, 5, 9).nodes().getFirst()).kind());
    }

    @Test
    void headsAreLeftOut() {
        var graph = Graphs.graph(seq(aux(linear(3).as("fc"), 0.3).as("head"), relu()), 1, 1, 4, 4);
        assertEquals(List.of("relu"), Graphs.texts(graph));
    }

    @Test
    void printsOneLineANode() {
        var text = Graphs.graph(seq(conv(16, 3).pad(1).as("conv"), relu(), globalAvgPool(), linear(3).as("fc")), 1, 3, 8, 8)
            .through(Pass.inference(Order.NCHW16C)).toString();
        assertEquals("""
            %0 = input: 1x3x8x8 nchw
            %2 = conv 3x3 pad 1 relu (%0) conv: 1x16x8x8 nChw16c @0
            %3 = average pool 8x8 (%2) 2: 1x16x1x1 nChw16c @4096
            %4 = linear (%3) fc: 1x3 nchw
            output: %4
            """, text);
    }

    @Test
    void unknownTapsAreNamedWithTheStages() {
        var graph = Graph.of(seq(relu().as("a"), relu().as("b")), Shape.of(1, 1, 2, 2));
        var error = assertThrows(IllegalArgumentException.class, () -> graph.tapping(List.of("c")));
        assertEquals("taps: the network has no stage 'c', its stages are [a, b]", error.getMessage());
    }

    @Test
    void normsThatACheckpointFoldedAwayVanish() {
        var graph = Graph.of(seq(conv(4, 1).noBias().as("conv"), batchNorm().as("bn")), Shape.of(1, 3, 4, 4));
        var adopted = new AdoptFoldedNorms(Set.of("conv.weight", "conv.bias")).apply(graph);
        assertEquals(List.of("conv.weight", "conv.bias"), List.copyOf(adopted.parameters().keySet()));
        assertEquals(graph.taps(), adopted.taps());
        assertEquals(List.of("conv 1x1"), Graphs.texts(new DropIdentities().apply(adopted)));
        assertEquals(graph, new AdoptFoldedNorms(Set.of("conv.weight", "conv.bias", "bn.weight")).apply(graph),
            "half a norm is a fault");
        assertTrue(new AdoptFoldedNorms(Set.of()).apply(graph).parameters().containsKey("bn.running_var"));
    }
}
