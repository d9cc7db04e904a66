// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Precision;
import dev.sextant.models.Networks;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** The ratio that a row of the comparison is held against is the one set for that network, batch and precision. */
final class TargetsTest {
    private static OptionalDouble target(String network, int batch, Precision precision) {
        return Targets.of(Case.of(Networks.named(network), batch, 2).with(precision));
    }

    @Test
    void everyNamedNetworkHasATargetForBothBatches() {
        assertEquals(7, Targets.networks().size());
        for (var network : Targets.networks()) {
            double one = target(network, 1, Precision.FP32).orElseThrow(), sixteen = target(network, 16, Precision.FP32).orElseThrow();
            assertTrue(1 < one && one <= sixteen, network + " " + one + " " + sixteen);
        }
    }

    @Test
    void batchesAreNotMixedUp() {
        assertEquals(2.4, target("vgg16", 1, Precision.FP32).orElseThrow());
        assertEquals(2.9, target("vgg16", 16, Precision.FP32).orElseThrow());
    }

    @Test
    void noneWhereNoneWasSet() {
        assertEquals(OptionalDouble.empty(), target("vgg19", 1, Precision.FP32));
        assertEquals(OptionalDouble.empty(), target("vgg16", 4, Precision.FP32));
        assertEquals(OptionalDouble.empty(), target("vgg16", 1, Precision.STRICT));
    }

    @Test
    void trainingHasItsOwn() {
        for (var network : Targets.networks()) {
            var problem = Case.of(Networks.named(network), network.equals("lenet5") ? 64 : 16, 2);
            assertTrue(Targets.training(problem).orElseThrow() > 1, network);
        }
        assertEquals(OptionalDouble.empty(), Targets.training(Case.of(Networks.named("lenet5"), 16, 2)), "no target for that batch");
        assertEquals(OptionalDouble.empty(), Targets.training(Case.of(Networks.named("vgg19"), 16, 2)));
    }
}
