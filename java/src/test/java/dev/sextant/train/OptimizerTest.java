// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.train.Optimizer.AdamW;
import dev.sextant.train.Optimizer.Sgd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class OptimizerTest {
    @Test
    void copiesChangeOneThing() {
        var sgd = Sgd.of(0.9, 1e-4).withNesterov(true).withLargestNorm(5).withDecayAll(false).withWeightDecay(0.01);
        assertEquals(new Sgd(0.9, true, 0.01, false, 5), sgd);
        var adam = AdamW.of(0.05).withLargestNorm(1).withDecayAll(true).withWeightDecay(0.1);
        assertEquals(new AdamW(0.9, 0.999, 1e-8, 0.1, true, 1), adam);
        assertEquals(1, sgd.moments());
        assertEquals(2, adam.moments());
    }

    @Test
    void text() {
        assertEquals("sgd (momentum 0.9, nesterov, decay 0.0001, gradients clipped to 5)",
            Sgd.of(0.9, 1e-4).withNesterov(true).withLargestNorm(5).toString());
        assertEquals("adamw (betas 0.9 0.999, eps 1e-08, decay 0.05 of weights only)", AdamW.of(0.05).toString());
    }

    @Test
    void numbersOutOfRange() {
        fails("momentum: expects a number from 0 to under 1, found 1.0", () -> Sgd.of(1, 0));
        fails("momentum: expects a number from 0 to under 1, found NaN", () -> Sgd.of(Double.NaN, 0));
        fails("weight decay: expects a number from 0, found -1.0", () -> Sgd.of(0, -1));
        fails("nesterov: expects a momentum over 0, found 0", () -> Sgd.of(0, 0).withNesterov(true));
        fails("largest norm: expects a number over 0, or 0 for no clipping, found Infinity",
            () -> AdamW.of(0).withLargestNorm(Double.POSITIVE_INFINITY));
        fails("eps: expects a number over 0, found 0.0", () -> new AdamW(0.9, 0.999, 0, 0, true, 0));
        fails("beta2: expects a number from 0 to under 1, found 1.0", () -> new AdamW(0.9, 1, 1e-8, 0, true, 0));
    }

    private static void fails(String message, Executable code) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, code).getMessage());
    }
}
