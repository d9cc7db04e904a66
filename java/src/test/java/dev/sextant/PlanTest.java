// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.graph.Graph;
import dev.sextant.graph.Graphs;
import dev.sextant.graph.Interpreter;
import dev.sextant.graph.Pass;
import dev.sextant.graph.RandomNetwork;
import dev.sextant.models.Networks;
import dev.sextant.nn.Nn;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the kernels make of a compiled graph against plain loops in double on the graph as it was described. */
class PlanTest {
    private static Device device;

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    static IntStream seeds() {
        return IntStream.range(1000, 1150);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void randomNetworks(int seed) {
        var random = RandomNetwork.of(new Random(seed));
        var graph = Graph.of(random.network(), random.input());
        check(device, seed % 3 == 0 ? graph : graph.tapping(List.of()), seed % 2 == 0 ? Precision.FP32 : Precision.STRICT,
            seed % 4 < 2 ? Long.MAX_VALUE : 4 << 10);
    }

    @Test
    void layersOnTheirOwn() {
        layersOnTheirOwn(device);
    }

    static void layersOnTheirOwn(Device device) {
        for (var network : List.<Nn>of(identity(), relu(), flatten(), linear(5), maxPool(3, 2, 1), globalAvgPool(),
            softmaxOfChannels(),
                concat(identity(), identity()), add(identity(), identity()), conv(20, 3).pad(1), batchNorm(), shortcut(9, 2),
                    lrn(5, 0.1, 0.75, 1),
                adaptiveAvgPool(2, 3), conv(7, 1, 3).pad(0, 1), conv(7, 5, 2).stride(3, 1).pad(2, 0))) {
            check(device, Graph.of(network, Shape.of(2, 7, 11, 13)), Precision.FP32, Long.MAX_VALUE);
        }
    }

    // Several threads make the operations: whichever meets the failure, the caller gets it, after all have ended.
    @Test
    void aFailureToReadWeightsIsTheCallers() {
        var graph = Graph.of(seq(conv(8, 3), relu(), conv(8, 3), relu(), conv(8, 3), linear(3)), Shape.of(1, 3, 20, 20)).tapping(List.of())
            .through(Pass.inference(device.info().order()));
        for (var broken : graph.parameters().keySet()) {
            var failure = new IllegalStateException("no " + broken);
            assertSame(failure, assertThrows(IllegalStateException.class, () -> new Plan(device, graph, (parameter, arena) -> {
                if (parameter.key().equals(broken)) throw failure;
                return Graphs.FORMULA.floats(parameter, arena);
            }, Precision.FP32, null)));
        }
    }

    private static Nn softmaxOfChannels() {
        return seq(globalMaxPool(), softmax());
    }

    /** The same kernels on the same numbers: portions change where and when, not what. */
    @ParameterizedTest
    @ValueSource(strings = {"resnet20", "densenet_bc_100_12", "lenet5"})
    void portionsOfABatchGiveTheSameBits(String name) {
        var network = Networks.named(name);
        var shape = network.input().prepend(6);
        var described = Graph.of(network.body(), shape).tapping(List.of());
        var floats = new float[(int) shape.elements()];
        for (int i = 0; i < floats.length; i++) floats[i] = i * 29 % 31 / 31f - 0.5f;
        var input = Tensor.of(shape, floats);
        var results = new ArrayList<Tensor>();
        var flops = new HashSet<Long>();
        for (long cacheBytes : new long[] {Long.MAX_VALUE, 1 << 20, 1}) {
            var compiled = described.through(Pass.inference(device.info().order(), cacheBytes));
            try (var plan = new Plan(device, compiled, Graphs.FORMULA, Precision.STRICT, null);
                    var predictor = new Predictor(plan, shape, () -> { })) {
                results.add(predictor.predict(input));
                flops.add(predictor.flops());
                assertEquals(predictor.flops(), predictor.steps().stream().mapToLong(Predictor.Step::flops).sum());
                assertEquals(predictor.steps(), predictor.profile().stream().map(Predictor.Timing::step).toList());
                assertTrue(predictor.profile().stream().allMatch(timing -> timing.nanoseconds() > 0));
            }
        }
        assertEquals(1, flops.size());
        assertEquals(results.get(0), results.get(1));
        assertEquals(results.get(0), results.get(2));
    }

    static void check(Device device, Graph graph, Precision precision, long cacheBytes) {
        var input = Graphs.input(graph.input().shape());
        var floats = new float[input.length];
        for (int i = 0; i < input.length; i++) floats[i] = (float) input[i];
        var compiled = graph.through(Pass.inference(device.info().order(), cacheBytes));
        try (var plan = new Plan(device, compiled, Graphs.FORMULA, precision, null);
                var predictor = new Predictor(plan, graph.input().shape(), () -> { })) {
            var found = new LinkedHashMap<String, double[]>();
            var output = predictor.predict(Tensor.of(graph.input().shape(), floats));
            predictor.taps().forEach((name, tensor) -> found.put(name, doubles(tensor)));
            found.put("", doubles(output));
            Graphs.assertSame(Interpreter.run(graph, Graphs.FORMULA, input), found, () -> describe(predictor));
            assertEquals(output, predictor.predict(Tensor.of(graph.input().shape(), floats)),
                "a second run of\n" + predictor.graph());
            assertTrue(predictor.workspaceBytes() >= predictor.graph().storage().workspaceBytes());
        }
    }

    private static String describe(Predictor predictor) {
        var kernels = predictor.steps().stream()
            .map(step -> step.implementation() + " " + step.operation() + " -> " + step.output()).toList();
        return predictor.graph() + "\n" + String.join("\n", kernels);
    }

    private static double[] doubles(Tensor tensor) {
        var floats = tensor.toArray();
        var doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) doubles[i] = floats[i];
        return doubles;
    }
}
