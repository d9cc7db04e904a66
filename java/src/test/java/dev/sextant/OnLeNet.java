// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.models.LeNet5;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Tests that want some model to predict with: a LeNet-5 on random weights, on a device of two threads. */
abstract class OnLeNet {
    static Device device;
    static Model lenet;

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
        lenet = Model.random(LeNet5.lenet5(), 1);
    }

    @AfterAll
    static void close() {
        lenet.close();
        device.close();
    }

    static Tensor digit(int seed) {
        return GoldenFormula.tensor("digit" + seed, Shape.of(1, 1, 28, 28));
    }

    static MemorySegment copy(Tensor tensor, Arena arena) {
        return arena.allocate(tensor.data().byteSize(), 64).copyFrom(tensor.data());
    }
}
