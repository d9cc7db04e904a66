// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.data.Dataset;
import dev.sextant.data.Dataset.Split;
import dev.sextant.models.BuiltIn;
import dev.sextant.models.Networks;
import dev.sextant.train.Evaluation;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The weights in the jar are as good as their notes say. */
class BuiltInTest {

    @ParameterizedTest
    @CsvSource({"lenet5, data/mnist, 0.991", "resnet20, data/cifar10, 0.87"})
    void accuracy(String name, String folder, double least) throws IOException {
        var data = Dataset.open(Shared.path(folder), Split.TEST);
        try (var model = Model.pretrained(Networks.named(name)); var device = Device.cpu(2)) {
            double right = Evaluation.of(model, device, data, Evaluation.Options.of(model.network())).top1();
            assertTrue(right >= least, () -> name + " gets " + right + " of its test pictures right, expected " + least);
        }
    }

    @Test
    void sayWhatMadeThem() {
        for (var name : BuiltIn.names()) {
            try (var weights = BuiltIn.weights(Networks.named(name))) {
                var notes = weights.metadata();
                assertTrue(notes.get("sextant.training.command").startsWith("sextant train " + name + " "), notes::toString);
                assertEquals(DType.I8, weights.dtype("conv1.weight"));
            }
        }
    }

    @Test
    void othersHaveNone() {
        var failure = assertThrows(IllegalArgumentException.class, () -> Model.pretrained(Networks.named("vgg16")));
        assertEquals("vgg16: no weights are built in, only those of lenet5 and resnet20 are", failure.getMessage());
    }
}
