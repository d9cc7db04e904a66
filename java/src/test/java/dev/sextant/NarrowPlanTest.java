// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.graph.Format;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Graphs;
import dev.sextant.graph.Interpreter;
import dev.sextant.graph.Pass;
import dev.sextant.graph.RandomNetwork;
import dev.sextant.graph.Range;
import dev.sextant.graph.Ranges;
import dev.sextant.graph.Value;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random networks in fewer bits against plain loops in double. Every value between input and output is rounded once, to 8 significant
 * bits (2^-9 of itself) or to one of 255 steps (2^-9 of the range), and weights as well: a dozen layers part by about 2^-9 times the
 * square root of their two dozen roundings, 0.01. A norm or a difference of large numbers stretches that in a network now and then, so
 * that most have to be near and none far; a wrong scale, zero or slice parts by a large share of the result.
 */
class NarrowPlanTest {
    private static final double ALL = 0.25, SHARE = 0.95;
    /** Below it, a logarithm of one class say, only rounding is left to compare with. */
    private static final double SMALLEST = 1e-9;
    private static Device device;

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
        Narrow.assumeRunsOn(device);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    @ParameterizedTest
    @CsvSource({"BF16, 0.02", "INT8, 0.04"})
    void randomNetworks(Precision precision, double most) {
        var errors = IntStream.range(2000, 2150).mapToDouble(seed -> error(seed, precision)).sorted().toArray();
        double near = errors[(int) (SHARE * errors.length)];
        assertTrue(near < most, () -> "a twentieth of the networks part by " + near + " or more");
    }

    private static double error(int seed, Precision precision) {
        var random = RandomNetwork.of(new Random(seed));
        var graph = Graph.of(random.network(), random.input()).tapping(List.of());
        var input = Graphs.input(random.input());
        var names = Ranges.names(graph);
        var all = new LinkedHashMap<String, Value>();
        names.forEach((value, name) -> all.put(name, value));
        var expected = Interpreter.run(graph.reporting(all), Graphs.FORMULA, input);
        var ranges = new HashMap<Value, Range>();
        if (precision == Precision.INT8) names.forEach((value, name) -> ranges.put(value, range(expected.get(name))));
        long cacheBytes = seed % 2 == 0 ? Long.MAX_VALUE : 4 << 10;
        return error(graph.through(Pass.inference(device.info().order(), cacheBytes, Format.BF16, ranges)), input, expected.get(""), precision);
    }

    private static Range range(double[] values) {
        var seen = Arrays.stream(values).summaryStatistics();
        return new Range((float) Math.min(seen.getMin(), 0), (float) Math.max(seen.getMax(), 0));
    }

    private static double error(Graph compiled, double[] input, double[] expected, Precision precision) {
        var floats = new float[input.length];
        for (int i = 0; i < input.length; i++) floats[i] = (float) input[i];
        var images = Tensor.of(compiled.input().shape(), floats);
        try (var plan = new Plan(device, compiled, Graphs.FORMULA, precision, null);
                var predictor = new Predictor(plan, compiled.input().shape(), () -> { })) {
            var output = predictor.predict(images);
            assertEquals(output, predictor.predict(images), () -> "a second run of\n" + compiled);
            if (Arrays.stream(expected).allMatch(value -> Math.abs(value) < SMALLEST)) return 0;
            var found = new double[expected.length];
            for (int i = 0; i < found.length; i++) found[i] = output.get(i);
            double error = Graphs.distance(expected, found);
            assertTrue(error < ALL, () -> precision + " parts by " + error + ":\n" + compiled);
            return error;
        }
    }
}
