// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.models.Networks;
import dev.sextant.nn.Dropout;
import dev.sextant.nn.Layers;
import org.junit.jupiter.api.Test;

/** What decides whether two engines may be compared looks at every step, and at networks that are the same but for dropout. */
final class TrainTest {
    @Test
    void theLargestDifferenceCounts() {
        assertEquals(0.5, Train.difference(new double[] {4, 3}, new double[] {4, 2}));
        assertEquals(0, Train.difference(new double[] {4, 2}, new double[] {4, 2}));
        assertTrue(Double.isNaN(Train.difference(new double[] {Double.NaN, 2}, new double[] {4, 2})), "a loss of NaN passed");
    }

    @Test
    void dropoutIsTakenOutAndNothingElse() {
        for (var name : new String[] {"alexnet", "googlenet", "densenet121"}) {
            var with = Networks.named(name);
            var without = Train.withoutDropout(Case.of(with, 1, 1)).network();
            var layers = Layers.of(without.body(), without.input());
            assertTrue(layers.all().stream().noneMatch(layer -> layer.nn() instanceof Dropout), name);
            assertEquals(with.parameters(), without.parameters(), name);
        }
    }
}
