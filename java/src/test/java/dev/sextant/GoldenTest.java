// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.ThrowingConsumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every network against what another framework computed in float64, on weights made by a formula. */
class GoldenTest {
    static final double TOLERANCE = 1e-5, BF16_TOLERANCE = 2e-2;

    @TestFactory
    List<DynamicTest> evaluation() throws IOException {
        return files("-eval-", GoldenTest::check);
    }

    /** A test of each file of golden values of a kind. */
    static List<DynamicTest> files(String kind, ThrowingConsumer<Path> test) throws IOException {
        try (var files = Files.list(Shared.path("golden"))) {
            return files.filter(file -> file.getFileName().toString().contains(kind)).sorted()
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> test.accept(file))).toList();
        }
    }

    private static void check(Path file) throws IOException {
        var golden = JsonMapper.shared().readTree(Files.readString(file));
        var network = Networks.named(golden.get("network").asString());
        var shape = shape(golden.get("input_shape"));
        var expected = numbers(golden.get("logits"));
        try (var arena = Arena.ofShared(); var model = Model.of(network, FormulaWeights.of(network, arena)); var device =
            Device.cpu(2)) {
            var input = GoldenFormula.tensor("input", shape);
            var options = Options.of(shape).withPrecision(Precision.STRICT);
            try (var predictor = model.predictor(device, options)) {
                double error = distance(expected, predictor.predict(input));
                assertTrue(error < TOLERANCE,
                    () -> network.name() + " parts by " + error + "; " + firstBadStage(model, device, options, input, golden));
            }
            // What differs between the two precisions is measured, too.
            try (var predictor = model.predictor(device, options.withPrecision(Precision.FP32))) {
                double error = distance(expected, predictor.predict(input));
                assertTrue(error < 10 * TOLERANCE, () -> network.name() + " at fp32 parts by " + error);
            }
            if (Narrow.runsOn(device)) {
                try (var predictor = model.predictor(device, options.withPrecision(Precision.BF16))) {
                    double error = distance(expected, predictor.predict(input));
                    System.out.printf("%s bf16: parts by %.2e%n", network.name(), error);
                    assertTrue(error < BF16_TOLERANCE, () -> network.name() + " at bf16 parts by " + error);
                }
            }
            checkTaps(model, device, options, input, golden);
        }
    }

    /** Reporting stages keeps what is otherwise fused away: the results must not depend on it. */
    static void checkTaps(Model model, Device device, Options options, Tensor input, JsonNode golden) {
        var names = stages(model, golden);
        try (var predictor = model.predictor(device, options.withTaps(names))) {
            double error = distance(numbers(golden.get("logits")), predictor.predict(input));
            assertTrue(error < TOLERANCE, () -> "with all stages tapped, the output parts by " + error);
            predictor.taps().forEach((name, tensor) -> assertTrue(agrees(golden.get("stages").get(name), tensor),
                () -> describe(name, golden.get("stages").get(name), tensor)));
            assertEquals(names, List.copyOf(predictor.taps().keySet()));
        }
    }

    static String firstBadStage(Model model, Device device, Options options, Tensor input, JsonNode golden) {
        try (var predictor = model.predictor(device, options.withTaps(stages(model, golden)))) {
            predictor.predict(input);
            for (var tap : predictor.taps().entrySet()) {
                var expected = golden.get("stages").get(tap.getKey());
                if (!agrees(expected, tap.getValue())) return "first at " + describe(tap.getKey(), expected, tap.getValue());
            }
            return "every stage agrees when all are reported";
        }
    }

    /** Those that both sides have. */
    private static List<String> stages(Model model, JsonNode golden) {
        return model.network().layers().stages().keySet().stream().filter(golden.get("stages")::has).toList();
    }

    /** Mean, deviation and largest magnitude of a tensor. */
    private record Summary(String shape, double mean, double std, double absmax) {
        static Summary of(Tensor tensor) {
            double sum = 0, squares = 0, absmax = 0;
            var values = tensor.toArray();
            for (float value : values) {
                sum += value;
                absmax = Math.max(absmax, Math.abs(value));
            }
            double mean = sum / values.length;
            for (float value : values) squares += (value - mean) * (value - mean);
            return new Summary(tensor.shape().toString(), mean, Math.sqrt(squares / values.length), absmax);
        }

        static Summary of(JsonNode stage) {
            return new Summary(GoldenTest.shape(stage.get("shape")).toString(), stage.get("mean").asDouble(),
                stage.get("std").asDouble(),
                stage.get("absmax").asDouble());
        }

        boolean isNear(Summary that) {
            double scale = 1e-4 * Math.max(absmax, 1e-30);
            return shape.equals(that.shape) && Math.abs(mean - that.mean) < scale && Math.abs(std - that.std) < scale
                && Math.abs(absmax - that.absmax) < scale;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s mean %.6g std %.6g absmax %.6g", shape, mean, std, absmax);
        }
    }

    /** The deviation may be that of a sample or of the whole: at a thousand values and more, one cannot tell. */
    private static boolean agrees(JsonNode stage, Tensor tensor) {
        var expected = Summary.of(stage);
        var found = Summary.of(tensor);
        double sample = Math.sqrt(tensor.shape().elements() / (tensor.shape().elements() - 1.0));
        return expected.isNear(found) || expected.isNear(new Summary(found.shape, found.mean, found.std * sample, found.absmax));
    }

    private static String describe(String name, JsonNode stage, Tensor tensor) {
        return name + ": expected " + Summary.of(stage) + ", found " + Summary.of(tensor);
    }

    static double distance(double[] expected, Tensor found) {
        assertEquals(expected.length, found.shape().elements());
        double largest = 0, difference = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            difference = Math.max(difference, Math.abs(expected[i] - found.get(i)));
            if (!Float.isFinite(found.get(i))) return Double.POSITIVE_INFINITY;
        }
        return difference / largest;
    }

    static Shape shape(JsonNode dims) {
        var sizes = new ArrayList<Integer>();
        for (var dim : dims) sizes.add(dim.asInt());
        return new Shape(sizes);
    }

    static double[] numbers(JsonNode rows) {
        var numbers = new ArrayList<Double>();
        for (var row : rows) for (var number : row) numbers.add(number.asDouble());
        return numbers.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
