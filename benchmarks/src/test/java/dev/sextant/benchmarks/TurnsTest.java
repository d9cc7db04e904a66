// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every figure that is published goes through these: a wrong median would be a wrong claim. */
final class TurnsTest {
    @Test
    void medianIsTheMiddleOrTheMeanOfTheMiddleTwo() {
        assertEquals(3, Turns.median(new double[] {9, 1, 3}));
        assertEquals(2.5, Turns.median(new double[] {4, 1, 3, 2}));
        assertEquals(7, Turns.median(new double[] {7}));
    }

    @Test
    void percentileIsTheNearestRank() {
        var hundred = new double[100];
        for (int i = 0; i < 100; i++) hundred[i] = 100 - i;
        assertEquals(1, Turns.percentile(hundred, 0));
        assertEquals(50, Turns.percentile(hundred, 50));
        assertEquals(99, Turns.percentile(hundred, 99));
        assertEquals(100, Turns.percentile(hundred, 100));
    }

    @Test
    void valuesKeepTheirOrder() {
        double[] values = {3, 1, 2};
        Turns.median(values);
        assertArrayEquals(new double[] {3, 1, 2}, values);
    }

    @Test
    void sessionsTakeTurnsAndTheFirstRunOfATurnIsNotCounted() throws Exception {
        var order = new ArrayList<String>();
        var times = Turns.measure(List.of(new Recorder("a", order), new Recorder("b", order)), 0);
        assertEquals(2, times.size());
        for (int i = 0; i < 2; i++) {
            var name = i == 0 ? "a" : "b";
            assertTrue(times.get(i).length < order.stream().filter(name::equals).count(), "runs that warm caches were counted");
        }
        long changes = 0;
        for (int i = 1; i < order.size(); i++) changes += order.get(i).equals(order.get(i - 1)) ? 0 : 1;
        assertTrue(changes > 8, "one engine ran after the other instead of in turns: " + changes + " changes");
    }

    private record Recorder(String name, List<String> order) implements Engine.Session {
        @Override
        public void run() {
            order.add(name);
        }

        @Override
        public float[] output() {
            return new float[0];
        }

        @Override
        public void close() {}
    }
}
