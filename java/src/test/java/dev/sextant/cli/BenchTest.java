// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class BenchTest {
    @Test
    void jsonHasEveryField() {
        var lines = Ran.of("bench", "lenet5", "--batch", "2", "--threads", "1", "--precision", "strict", "--seconds", "0", "--json").lines();
        assertEquals(1, lines.size());
        var json = JsonMapper.shared().readTree(lines.getFirst());
        assertEquals("lenet5", json.get("model").asString());
        assertEquals(2, json.get("batch").asInt());
        assertEquals(1, json.get("threads").asInt());
        assertEquals("strict", json.get("precision").asString());
        double median = json.get("ms_median").asDouble();
        assertTrue(json.get("ms_min").asDouble() <= median && median <= json.get("ms_p99").asDouble(), lines.getFirst());
        assertEquals(1, json.get("images_per_second").asDouble() / (2 / median * 1e3), 0.05, lines.getFirst());
        // Two convolutions and three linear layers: 2 (150*784 + 2400*100 + 48000 + 10080 + 840).
        assertEquals(833_040 / 1e9, json.get("gflop_per_image").asDouble(), 1e-9);
        assertEquals("2x1x28x28", json.get("input").asString());
        assertTrue(json.get("runs").asInt() >= 5);
        assertTrue(json.has("isa") && json.has("processor") && json.has("version") && json.has("gflop_per_second"));
    }

    @Test
    void severalNetworksAndBatchesAreOneTable() {
        var lines = Ran.of("bench", "lenet5", "resnet20", "--batch", "1,3", "--seconds", "0").lines();
        assertEquals(6, lines.size(), lines::toString);
        assertTrue(lines.get(0).contains("fp32"), lines.get(0));
        assertTrue(lines.get(1).startsWith("MODEL     BATCH"), lines.get(1));
        assertTrue(lines.get(5).startsWith("resnet20      3  "), lines.get(5));
    }

    @Test
    void anotherInputSize() {
        var lines = Ran.of("bench", "resnet20", "--input", "3x40x48", "--seconds", "0", "--json").lines();
        assertEquals("1x3x40x48", JsonMapper.shared().readTree(lines.getFirst()).get("input").asString());
        Ran.of("bench", "resnet20", "--input", "1x32x32", "--seconds", "0").fails(1, "3", "1x32x32");
    }

    @Test
    void timing() {
        var timing = new Timing(new long[] {4_000_000, 1_000_000, 3_000_000, 2_000_000});
        assertEquals(1, timing.milliseconds(0));
        assertEquals(2, timing.milliseconds(0.5));
        assertEquals(4, timing.milliseconds(0.99));
        var runs = new AtomicInteger();
        assertEquals(5, Timing.of(runs::incrementAndGet, 0).runs());
        assertEquals(8, runs.get(), "three runs to warm up, five measured");
    }
}
