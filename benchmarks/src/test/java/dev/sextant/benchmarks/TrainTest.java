// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.models.Networks;
import dev.sextant.nn.Dropout;
import dev.sextant.nn.Layers;
import org.junit.jupiter.api.Test;

/** What decides whether two engines may be compared looks at every step, and at networks that are the same but for dropout. */
final class TrainTest {
    @Test
    void enginesAgreeInTheFirstLossAndInWhatIsGained() {
        var ours = new double[] {4, 3};
        assertTrue(Train.agree(ours, ours));
        assertTrue(Train.agree(new double[] {4.0002, 3.01}, ours));
        assertFalse(Train.agree(new double[] {4.002, 3}, ours), "another loss");
        assertFalse(Train.agree(new double[] {4, 3.1}, ours), "another gradient or optimizer");
        assertFalse(Train.agree(new double[] {4, 4}, ours), "nothing learnt");
        assertFalse(Train.agree(new double[] {Double.NaN, 3}, ours));
        assertFalse(Train.agree(new double[] {4, Double.NaN}, ours));
        assertEquals(0.25, Train.difference(new double[] {5, 3}, ours));
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
