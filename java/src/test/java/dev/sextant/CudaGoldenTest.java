// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every network on a GPU, in each precision, against what another framework computed in float64. */
class CudaGoldenTest {
    /** Of the largest logit. */
    private static final Map<Precision, Double> TOLERANCES = new EnumMap<>(Map.of(Precision.STRICT, GoldenTest.TOLERANCE,
        Precision.FP32, 10 * GoldenTest.TOLERANCE, Precision.TF32, 2e-3, Precision.BF16, 2e-2, Precision.FP16, 2e-2));
    /** The largest number of half precision. */
    private static final double LARGEST_HALF = 65504;
    private static Device device;

    @BeforeAll
    static void open() {
        device = Gpu.open();
    }

    @AfterAll
    static void close() {
        if (device != null) device.close();
    }

    @TestFactory
    List<DynamicTest> evaluation() throws IOException {
        return GoldenTest.files("-eval-", CudaGoldenTest::check);
    }

    private static void check(Path file) throws IOException {
        var golden = JsonMapper.shared().readTree(Files.readString(file));
        var network = Networks.named(golden.get("network").asString());
        var shape = GoldenTest.shape(golden.get("input_shape"));
        var expected = GoldenTest.numbers(golden.get("logits"));
        var wrong = new ArrayList<String>();
        try (var arena = Arena.ofShared(); var model = Model.of(network, FormulaWeights.of(network, arena))) {
            var input = GoldenFormula.tensor("input", shape);
            for (var tolerance : TOLERANCES.entrySet()) {
                var precision = tolerance.getKey();
                try (var predictor = model.predictor(device, Options.of(shape).withPrecision(precision))) {
                    double error = GoldenTest.distance(expected, predictor.predict(input));
                    System.out.printf("%s %s: parts by %.2e%n", network.name(), precision, error);
                    // The formula's weights let one network's last stages grow past what fp16 holds: then that must show.
                    boolean overflows = precision == Precision.FP16 && largest(golden) > LARGEST_HALF;
                    if (overflows ? Double.isFinite(error) : !(error < tolerance.getValue())) {
                        wrong.add(precision + " parts by " + error);
                    }
                }
            }
            var strict = Options.of(shape).withPrecision(Precision.STRICT);
            assertTrue(wrong.isEmpty(),
                () -> network.name() + ": " + wrong + "; " + GoldenTest.firstBadStage(model, device, strict, input, golden));
            GoldenTest.checkTaps(model, device, strict, input, golden);
        }
    }

    /** Of all stages' numbers. */
    private static double largest(JsonNode golden) {
        double largest = 0;
        for (var stage : golden.get("stages").values()) largest = Math.max(largest, stage.get("absmax").asDouble());
        return largest;
    }
}
