// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Precision;
import dev.sextant.Shape;
import dev.sextant.models.Networks;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The peers take the same steps as we do, in each of their ways: only then do their times say anything about ours. */
final class PeerTrainingTest {
    @ParameterizedTest
    @CsvSource({"lenet5,28", "resnet20,32", "resnet18,64", "densenet121,64", "googlenet,96", "alexnet_2012,96"})
    void theFirstStepsHaveOurLosses(String name, int size) throws Exception {
        var network = Networks.named(name).at(size, size);
        var problem = Train.withoutDropout(new Case(network, Shape.of(4, network.input().dim(0), size, size), 2, Precision.STRICT));
        double[] ours;
        try (var session = new SextantTraining().open(problem)) {
            ours = Train.firstLosses(session);
        }
        assertTrue(ours[0] != ours[1], "the first step changed nothing");
        var engines = TrainingEngine.all();
        assertEquals(3, engines.size(), "PyTorch's two ways of training beside ours");
        for (var engine : engines.subList(1, 3)) {
            try (var session = engine.open(problem)) {
                var theirs = Train.firstLosses(session);
                assertTrue(Train.agree(theirs, ours), engine.title() + " " + Arrays.toString(theirs) + ", we " + Arrays.toString(ours));
            }
        }
    }
}
