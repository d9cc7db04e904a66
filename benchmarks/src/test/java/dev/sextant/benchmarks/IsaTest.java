// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** A peak measured while others used the cores makes every layer look good: it must not decide anything. */
final class IsaTest {
    @Test
    void agreeingPeaksAboveEveryLayerDecide() {
        assertTrue(Isa.isSettled(new double[] {116, 117, 115, 117}, 109));
    }

    @Test
    void peaksThatScatterDoNot() {
        assertFalse(Isa.isSettled(new double[] {57, 117, 60, 58}, 50));
    }

    @Test
    void norDoPeaksThatALayerExceeds() {
        assertFalse(Isa.isSettled(new double[] {57, 58, 57, 58}, 111));
    }
}
