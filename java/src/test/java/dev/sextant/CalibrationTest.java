// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.io.Int8;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationTest {
    @TempDir
    private Path folder;

    /** What is written loads again, in every kind of network: norms folded behind convolutions with and without a bias, or on load. */
    @ParameterizedTest
    @ValueSource(strings = {"lenet5", "resnet20", "densenet_bc_100_12", "vgg11_bn"})
    void aCalibratedFileIsTheNetwork(String name) throws IOException {
        var network = name.startsWith("vgg") ? Networks.named(name).at(32, 32) : Networks.named(name);
        var shape = network.input().prepend(2);
        var input = GoldenFormula.tensor("input", shape);
        var file = folder.resolve("q.safetensors");
        try (var device = Device.cpu(2); var arena = Arena.ofShared(); var model = Model.of(network, FormulaWeights.of(network, arena))) {
            try (var calibration = model.calibration(device, 2)) {
                assertThrows(IllegalStateException.class, () -> calibration.write(file));
                calibration.observe(input);
                calibration.write(file);
            }
            try (var quantised = Model.load(network, file);
                    var exact = model.predictor(device, Options.of(shape));
                    var rounded = quantised.predictor(device, Options.of(shape))) {
                double error = distance(exact.predict(input), rounded.predict(input));
                assertTrue(error > 0 && error < 0.05, () -> "in float32, its weights part by " + error);
                if (!Narrow.runsOn(device)) return;
                try (var narrow = quantised.predictor(device, Options.of(shape).withPrecision(Precision.INT8))) {
                    double more = distance(exact.predict(input), narrow.predict(input));
                    System.out.printf("%s int8: parts by %.2e, its weights alone by %.2e%n", name, more, error);
                    assertTrue(more < 0.15, () -> "int8 parts by " + more);
                }
            }
        }
    }

    private static double distance(Tensor expected, Tensor found) {
        double largest = 0, difference = 0;
        for (int i = 0; i < expected.shape().elements(); i++) {
            largest = Math.max(largest, Math.abs(expected.get(i)));
            difference = Math.max(difference, Math.abs(expected.get(i) - found.get(i)));
        }
        return difference / largest;
    }

    /** The library rounds the float32 weights of a file once more, with a scale that it finds itself. */
    @Test
    void roundingTwiceIsRoundingOnce() throws IOException {
        var random = new Random(1);
        var weights = new float[64 * 9];
        for (int i = 0; i < weights.length; i++) weights[i] = (float) (random.nextGaussian() * Math.pow(10, i / 9 % 8 - 4));
        Arrays.fill(weights, 0, 9, 0);
        var shape = Shape.of(64, 9);
        var once = Int8.of(shape, MemorySegment.ofArray(weights));
        var file = folder.resolve("w.safetensors");
        Safetensors.write(file, Map.of(), Map.of("x.weight", once), Map.of());
        try (var read = Safetensors.open(file)) {
            assertEquals(Set.of("x.weight"), read.keys());
            assertEquals(DType.I8, read.dtype("x.weight"));
            var twice = Int8.of(shape, read.floats("x.weight"));
            assertArrayEquals(once.values(), twice.values());
            assertArrayEquals(once.scales(), twice.scales());
            for (int i = 0; i < weights.length; i++) {
                assertEquals(weights[i], read.tensor("x.weight").get(i), once.scales()[i / 9] * 0.5001f);
            }
        }
    }

    @Test
    void weightsWithoutRangesAreRefusedInOneSentence() {
        try (var device = Device.cpu(1); var model = Model.of(Networks.named("lenet5"), FormulaWeights.of(Networks.named("lenet5")))) {
            Narrow.assumeRunsOn(device);
            var refused = assertThrows(IllegalArgumentException.class,
                () -> model.predictor(device, Options.DEFAULT.withPrecision(Precision.INT8)));
            assertEquals("precision: int8 expects calibrated weights, these of lenet5 have no ranges: make some with 'sextant calibrate'",
                refused.getMessage());
        }
    }

    /** For measuring, random weights need no file. */
    @Test
    void randomNetworksCalibrateThemselves() {
        try (var device = Device.cpu(1); var model = Model.random(Networks.named("lenet5"), 1)) {
            Narrow.assumeRunsOn(device);
            var input = GoldenFormula.tensor("input", Shape.of(1, 1, 28, 28));
            try (var narrow = model.predictor(device, Options.DEFAULT.withPrecision(Precision.INT8)); var exact = model.predictor(device)) {
                double error = distance(exact.predict(input), narrow.predict(input));
                assertTrue(error > 0 && error < 0.15, () -> "parts by " + error);
            }
        }
    }
}
