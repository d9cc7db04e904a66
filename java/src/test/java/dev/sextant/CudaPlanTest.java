// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.Predictor.Options;
import dev.sextant.graph.Graph;
import dev.sextant.graph.RandomNetwork;
import dev.sextant.models.Networks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a GPU makes of compiled graphs, wherever input and output lie. */
class CudaPlanTest {
    private static Device device;

    @BeforeAll
    static void open() {
        device = Gpu.open();
    }

    @AfterAll
    static void close() {
        if (device != null) device.close();
    }

    static IntStream seeds() {
        return IntStream.range(1000, 1150);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void randomNetworks(int seed) {
        var random = RandomNetwork.of(new Random(seed));
        var graph = Graph.of(random.network(), random.input());
        PlanTest.check(device, seed % 3 == 0 ? graph : graph.tapping(List.of()), Precision.STRICT, Long.MAX_VALUE);
    }

    @Test
    void layersOnTheirOwn() {
        PlanTest.layersOnTheirOwn(device);
    }

    @Test
    void residentBuffersGiveTheSameBits() {
        var network = Networks.named("resnet20");
        var shape = network.input().prepend(3);
        try (var model = Model.random(network, 1); var arena = Arena.ofConfined()) {
            var in = arena.allocate(shape.elements() * Float.BYTES, 64);
            for (long i = 0; i < shape.elements(); i++) in.setAtIndex(ValueLayout.JAVA_FLOAT, i, i * 29 % 31 / 31f - 0.5f);
            var input = Tensor.of(shape, in.toArray(ValueLayout.JAVA_FLOAT));
            var own = Device.cuda(0);
            try (var shared = model.predictor(own, Options.of(shape)); var resident = model.predictor(own, Options.of(shape).withResident(true))) {
                own.close();
                var expected = shared.predict(input);
                assertEquals(expected, resident.predict(input));
                resident.rerun();
                assertEquals(expected, resident.predict(input));
                var out = arena.allocate(resident.outputShape().elements() * Float.BYTES, 64);
                resident.predict(in, out);
                assertArrayEquals(expected.toArray(), out.toArray(ValueLayout.JAVA_FLOAT));
                var heap = MemorySegment.ofArray(new float[(int) resident.outputShape().elements()]);
                resident.predict(MemorySegment.ofArray(in.toArray(ValueLayout.JAVA_FLOAT)), heap);
                assertArrayEquals(expected.toArray(), heap.toArray(ValueLayout.JAVA_FLOAT));
                assertEquals(resident.steps(), resident.profile().stream().map(Predictor.Timing::step).toList());
            }
        }
    }

    @Test
    void tuningChoosesAmongCandidates() {
        var network = Networks.named("resnet20");
        try (var model = Model.random(network, 1); var predictor = model.predictor(device, Options.DEFAULT.withTuning(true))) {
            assertEquals(network.output(), predictor.predict(Tensor.of(network.input().prepend(1), new float[3 * 32 * 32])).shape().dropFirst());
        }
    }
}
