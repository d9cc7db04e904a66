// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import dev.sextant.graph.Storage.Order;
import dev.sextant.models.Networks;
import dev.sextant.nn.Nn;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written down of a training step: each parameter once, no memory twice at a time. */
class TrainingGraphTest {

    static IntStream seeds() {
        return IntStream.range(0, 60);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void randomNetworks(int seed) {
        var random = RandomNetwork.of(new Random(seed));
        var network = seq(random.network(), linear(5));
        if (network.toString().contains("oftmax")) return;
        for (var order : List.of(Order.NHWC, Order.NCHW8C, Order.NCHW16C)) check(TrainingGraph.of(network, random.input(), order));
    }

    @Test
    void classicNetworks() {
        for (var name : List.of("lenet5", "alexnet_2012", "vgg11_bn", "googlenet", "googlenet_2014", "resnet18", "resnet20", "densenet121",
            "densenet_bc_100_12")) {
            var network = Networks.named(name);
            var graph = TrainingGraph.of(network.body(), network.input().prepend(2), Order.NCHW16C);
            check(graph);
            long trained = graph.parameters().values().stream().mapToLong(p -> p.shape().elements()).sum();
            assertEquals(network.trainable(), trained, name);
        }
    }

    /** In mixed precision: pictures narrow, a gradient as its value, what goes to and comes from the caller and all that is flat wide. */
    @Test
    void narrowPictures() {
        for (var name : List.of("lenet5", "alexnet_2012", "googlenet_2014", "resnet20", "densenet121")) {
            var network = Networks.named(name);
            var graph = TrainingGraph.of(network.body(), network.input().prepend(2), Order.NCHW16C, Format.BF16);
            check(graph);
            var touched = new ArrayList<Value>();
            for (var node : graph.forward().nodes()) {
                touched.addAll(node.sources());
                touched.add(node.dst());
            }
            for (var step : graph.backward()) touched.addAll(step.values());
            for (var value : touched) {
                var layout = graph.forward().layout(value);
                assertEquals(layout.isPlain() ? Format.F32 : Format.BF16, layout.format(), () -> name + " " + value + ' ' + layout);
            }
        }
    }

    private static void check(TrainingGraph graph) {
        var gradients = new ArrayList<String>();
        for (var step : graph.backward()) {
            switch (step) {
                case Gradient.Weights weights -> weights.node().constants().forEach(c -> gradients.add(c.parameters().getFirst().key()));
                case Gradient.Source(Node.TrainingNorm norm, Value _, Value _, boolean _) ->
                    gradients.addAll(List.of(norm.norm().gamma().key(), norm.norm().beta().key()));
                default -> { }
            }
        }
        assertEquals(graph.parameters().keySet().stream().sorted().toList(), gradients.stream().sorted().toList(),
            () -> "gradients of parameters in\n" + graph);
        assertMemoryIsSound(graph);
    }

    /** No value lies over another that is alive at the time. */
    private static void assertMemoryIsSound(TrainingGraph graph) {
        record Life(Value value, long start, long end, int first, int last) {}
        var forward = graph.forward();
        var touched = new ArrayList<List<Value>>();
        for (var node : forward.nodes()) {
            var values = new ArrayList<>(node.sources());
            values.addAll(node.results());
            touched.add(values);
        }
        for (var step : graph.backward()) touched.add(step.values());
        var lives = new ArrayList<Life>();
        for (var offset : forward.storage().offsets().entrySet()) {
            var steps = IntStream.range(0, touched.size())
                .filter(i -> touched.get(i).stream().anyMatch(v -> forward.whole(v).equals(offset.getKey()))).summaryStatistics();
            lives.add(new Life(offset.getKey(), offset.getValue(), offset.getValue() + forward.bytes(offset.getKey()), steps.getMin(),
                steps.getMax()));
        }
        for (var a : lives) {
            assertTrue(a.end <= forward.storage().workspaceBytes(), () -> a + " ends beyond the workspace");
            for (var b : lives) {
                if (a.value.equals(b.value) || a.last < b.first || b.last < a.first) continue;
                assertTrue(a.end <= b.start || b.end <= a.start, () -> a + " and " + b + " overlap in\n" + graph);
            }
        }
    }

    @Test
    void aResidualsGradientCostsNothing() {
        Nn block = add(seq(conv(16, 3).pad(1).noBias(), batchNorm(), relu(), conv(16, 3).pad(1).noBias(), batchNorm()), identity());
        var graph = TrainingGraph.of(seq(conv(16, 3).pad(1), seq(block, relu()), globalAvgPool(), linear(4)), Shape.of(2, 3, 8, 8), Order.NCHW16C);
        assertTrue(graph.backward().stream().noneMatch(Gradient.Through.class::isInstance), graph::toString);
    }

    @Test
    void concatenationsGradientCostsNothing() {
        var branches = concat(seq(conv(16, 1), relu()), seq(conv(32, 3).pad(1), relu()));
        var graph = TrainingGraph.of(seq(conv(16, 3).pad(1), branches, globalAvgPool(), linear(4)), Shape.of(2, 3, 8, 8), Order.NCHW16C);
        assertTrue(graph.backward().stream().noneMatch(Gradient.Split.class::isInstance), graph::toString);
        assertEquals(2, graph.backward().stream().filter(Gradient.Through.class::isInstance).count(), graph::toString);
    }

    @Test
    void theInputsGradientIsNotComputed() {
        var graph = TrainingGraph.of(seq(conv(16, 3).pad(1), relu(), linear(4)), Shape.of(2, 3, 8, 8), Order.NCHW16C);
        assertTrue(graph.backward().stream().noneMatch(step -> step instanceof Gradient.Source source && source.node() instanceof Node.Conv),
            graph::toString);
    }

    @Test
    void refusesWhatHasNoLogits() {
        var picture = assertThrows(IllegalArgumentException.class, () -> TrainingGraph.of(conv(4, 3), Shape.of(1, 3, 8, 8), Order.NCHW16C));
        assertTrue(picture.getMessage().contains("logits"), picture.getMessage());
        var softmax = assertThrows(IllegalArgumentException.class,
            () -> TrainingGraph.of(seq(linear(4), softmax()), Shape.of(1, 3, 8, 8), Order.NCHW16C));
        assertTrue(softmax.getMessage().contains("softmax"), softmax.getMessage());
    }
}
