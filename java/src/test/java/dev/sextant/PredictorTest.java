// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.graph.Constant;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Graphs;
import dev.sextant.graph.Interpreter;
import dev.sextant.models.Networks;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PredictorTest extends OnLeNet {
    // ------------------------------------------------------------------------------------------ shapes and numbers

    @Test
    void anotherShapeIsRefusedWithBoth() {
        try (var predictor = lenet.predictor(device)) {
            var error = assertThrows(IllegalArgumentException.class,
                () -> predictor.predict(GoldenFormula.tensor("x", Shape.of(1, 1, 32, 32))));
            assertEquals("predict: this predictor is made for inputs of shape 1x1x28x28, found 1x1x32x32", error.getMessage());
            try (var arena = Arena.ofConfined()) {
                var right = copy(digit(0), arena);
                error = assertThrows(IllegalArgumentException.class, () -> predictor.predict(right, arena.allocate(44)));
                assertEquals("predict: out expects 40 bytes for 1x10, found 44", error.getMessage());
                assertThrows(IllegalArgumentException.class, () -> predictor.predict(arena.allocate(8), arena.allocate(40)));
                assertThrows(IllegalArgumentException.class, () -> predictor.predict(right, arena.allocate(40).asReadOnly()));
            }
        }
        assertThrows(IllegalArgumentException.class, () -> lenet.predictor(device, Options.of(Shape.of(1, 3, 28, 28))));
        assertThrows(IllegalArgumentException.class, () -> lenet.predictor(device, Options.of(Shape.of(1, 28, 28))));
        assertThrows(IllegalArgumentException.class, () -> lenet.predictor(device, Options.of(Shape.of(0, 1, 28, 28))));
    }

    @Test
    void aBatchIsItsImagesOneByOne() {
        var batch = GoldenFormula.tensor("batch", Shape.of(5, 1, 28, 28));
        try (var many = lenet.predictor(device, Options.of(batch.shape())); var one = lenet.predictor(device)) {
            var together = many.predict(batch);
            assertEquals(Shape.of(5, 10), together.shape());
            for (int i = 0; i < 5; i++) {
                var alone = one.predict(batch.slice(i).reshape(Shape.of(1, 1, 28, 28)));
                assertTrue(distance(alone, together.slice(i)) < 1e-6, "image " + i);
            }
        }
    }

    /** Networks on sizes that nobody trained them for, against plain loops in double. */
    @ParameterizedTest
    @CsvSource({"resnet20, 2x3x45x37", "resnet18, 1x3x41x65", "googlenet, 1x3x64x47", "densenet_bc_100_12, 1x3x19x24",
        "vgg11_bn, 1x3x33x40"})
    void otherSizes(String name, String size) {
        var network = Networks.named(name);
        var shape = Shape.parse(size);
        var input = GoldenFormula.tensor("input", shape);
        try (var model = Model.of(network, FormulaWeights.of(network)); var predictor =
            model.predictor(device, Options.of(shape))) {
            var expected = Interpreter.run(Graph.of(network.body(), shape).tapping(List.of()), Graphs.FORMULA,
                Graphs.input(shape));
            Graphs.assertSame(expected, Map.of("", doubles(predictor.predict(input))), () -> name + " on " + size);
        }
    }

    @Test
    void aSizeThatTheWeightsDoNotFitIsRefused() {
        var network = Networks.named("alexnet_2012");
        try (var model = Model.of(network, FormulaWeights.of(network))) {
            var error = assertThrows(IllegalArgumentException.class,
                () -> model.predictor(device, Options.of(Shape.of(1, 3, 256, 256))));
            assertTrue(error.getMessage().startsWith("predictor: input 1x3x256x256 expects fc6.weight of shape 4096x"),
                error.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({"lenet5", "lenet5_relu", "resnet20", "googlenet_2014", "densenet_bc_100_12"})
    void notANumberPassesThrough(String name) {
        var network = Networks.named(name);
        var values = new float[(int) network.input().elements()];
        values[values.length / 2] = Float.NaN;
        try (var model = Model.random(network, 3); var predictor = model.predictor(device)) {
            var output = predictor.predict(Tensor.of(predictor.inputShape(), values));
            for (int i = 0; i < output.shape().elements(); i++) assertTrue(Float.isNaN(output.get(i)),
                "a NaN in the picture became " + output);
        }
    }

    @Test
    void aStepByItself() {
        try (var whole = lenet.predictor(device); var last = lenet.step(device, Options.DEFAULT, whole.steps().size() - 1);
                var arena = Arena.ofConfined()) {
            assertEquals(List.of(whole.steps().getLast()), last.steps());
            var bias = lenet.parameters().floats(new Constant.Parameter("fc3.bias", Shape.of(10)), arena);
            assertEquals(Tensor.of(Shape.of(1, 10), bias), last.predict(digit(0)), "fc3 of zeros");
            int beyond = whole.steps().size();
            var error = assertThrows(IllegalArgumentException.class, () -> lenet.step(device, Options.DEFAULT, beyond));
            assertEquals("graph: has " + beyond + " nodes, none at index " + beyond, error.getMessage());
        }
    }

    // ------------------------------------------------------------------------------------------ what a plan tells

    @Test
    void tapsReportStages() {
        var input = digit(0);
        try (var predictor = lenet.predictor(device, Options.DEFAULT.withTaps(List.of("fc2", "conv1"))); var plain =
            lenet.predictor(device)) {
            assertThrows(IllegalStateException.class, predictor::taps);
            var output = predictor.predict(input);
            assertEquals(List.of("fc2", "conv1"), List.copyOf(predictor.taps().keySet()));
            assertEquals(Shape.of(1, 84), predictor.taps().get("fc2").shape());
            assertEquals(Shape.of(1, 6, 28, 28), predictor.taps().get("conv1").shape());
            assertTrue(distance(plain.predict(input), output) < 1e-6);
            assertTrue(plain.taps().isEmpty());
        }
        var error = assertThrows(IllegalArgumentException.class,
            () -> lenet.predictor(device, Options.DEFAULT.withTaps(List.of("conv9"))));
        assertTrue(error.getMessage().contains("conv9") && error.getMessage().contains("conv1"), error.getMessage());
    }

    @Test
    void profileTimesEveryStep() {
        try (var predictor = lenet.predictor(device)) {
            var timings = predictor.profile();
            assertEquals(predictor.steps(), timings.stream().map(Predictor.Timing::step).toList());
            assertTrue(timings.stream().allMatch(timing -> timing.nanoseconds() >= 0));
            assertEquals(predictor.flops(), predictor.steps().stream().mapToLong(Predictor.Step::flops).sum());
            assertEquals(predictor.weightBytes(), predictor.steps().stream().mapToLong(Predictor.Step::weightBytes).sum());
            assertTrue(predictor.steps().stream()
                .anyMatch(step -> step.name().equals("conv1") && step.implementation().startsWith("f32_conv2d_")));
        }
    }

    /** The catalogue runs on kernels: what falls back to plain loops would be seen here before it is felt. */
    @ParameterizedTest
    @CsvSource({"lenet5", "lenet5_relu", "lenet_caffe", "alexnet", "alexnet_2012", "googlenet", "googlenet_2014", "resnet18",
        "resnet50", "resnet50_v1",
        "resnet20", "densenet121", "densenet_bc_100_12"})
    void noStepFallsBackToPlainLoops(String name) {
        try (var model = Model.random(Networks.named(name), 1); var predictor = model.predictor(device)) {
            assertEquals(List.of(),
                predictor.steps().stream().filter(step -> step.implementation().endsWith("_reference")).toList());
        }
    }

    private static double distance(Tensor expected, Tensor found) {
        return Graphs.distance(doubles(expected), doubles(found));
    }

    private static double[] doubles(Tensor tensor) {
        var floats = tensor.toArray();
        var doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) doubles[i] = floats[i];
        return doubles;
    }
}
