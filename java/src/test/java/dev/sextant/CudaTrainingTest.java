// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.models.Networks;
import dev.sextant.train.Initialisation;
import dev.sextant.train.Optimizer;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Training on a GPU: the golden values, and that what a trainer says about itself survives the way to the device and back. */
class CudaTrainingTest {
    private static Device device;

    @BeforeAll
    static void open() {
        device = Gpu.open();
    }

    @AfterAll
    static void close() {
        if (device != null) device.close();
    }

    @TestFactory
    List<DynamicTest> training() throws IOException {
        return GoldenTest.files("-train-",
            file -> TrainerGoldenTest.check(file, device, List.of(Precision.STRICT, Precision.TF32, Precision.BF16)));
    }

    @Test
    void goesOnFromWhereAnotherWasAlsoWhenTheDeviceIsClosed() {
        var network = Networks.named("lenet5_relu");
        var first = Initialisation.of(network).parameters(network, 1);
        var options = Trainer.Options.of(8, Optimizer.AdamW.of(0.01));
        var own = Device.cuda(0);
        try (var one = new Trainer(network, own, first, options); var other = new Trainer(network, own, first, options)) {
            own.close();
            assertEquals(first, one.parameters());
            for (int step = 0; step < 3; step++) step(one);
            other.restore(one.parameters(), one.moments(), one.steps());
            assertEquals(one.moments(), other.moments());
            assertEquals(step(one), step(other));
            assertEquals(one.parameters(), other.parameters());
            assertEquals(one.gradients(), other.gradients());
        }
    }

    private static Trainer.Result step(Trainer trainer) {
        for (long i = 0; i < trainer.images().byteSize() / Float.BYTES; i++) {
            trainer.images().setAtIndex(ValueLayout.JAVA_FLOAT, i, i * 29 % 31 / 31f - 0.5f);
        }
        trainer.targets().fill((byte) 0);
        for (int i = 0; i < 8; i++) trainer.targets().setAtIndex(ValueLayout.JAVA_FLOAT, 10L * i + i, 1);
        return trainer.step(1e-3);
    }
}
