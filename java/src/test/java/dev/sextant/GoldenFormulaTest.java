// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** If these fail, every golden comparison compares other weights than the reference had. */
class GoldenFormulaTest {
    @Test
    void sequenceIsThePrintedOne() {
        assertEquals(0.0901498794555664, GoldenFormula.u("conv1.weight", 0));
        assertEquals(0.49032342433929443, GoldenFormula.u("conv1.weight", 1));
        assertEquals(-0.9541566371917725, GoldenFormula.u("conv1.weight", 2));
        assertEquals(-0.8043633699417114, GoldenFormula.u("input", 0));
    }

    @Test
    void scaleFollowsKeyAndRank() {
        double u = 0.0901498794555664;
        assertEquals((float) (u * Math.sqrt(6.0 / 2)), GoldenFormula.values("conv1.weight", Shape.of(3, 2, 1, 1))[0]);
        assertEquals((float) (1 + 0.5 * u), GoldenFormula.values("conv1.weight", Shape.of(4))[0]);
        assertEquals((float) (1 + 0.5 * GoldenFormula.u("bn.running_var", 3)), GoldenFormula.values("bn.running_var", Shape.of(4))[3]);
        assertEquals((float) (0.1 * GoldenFormula.u("fc.bias", 3)), GoldenFormula.values("fc.bias", Shape.of(4))[3]);
        assertEquals((float) (0.1 * GoldenFormula.u("bn.running_mean", 3)), GoldenFormula.values("bn.running_mean", Shape.of(4))[3]);
        assertEquals((float) (2 * GoldenFormula.u("input", 5)), GoldenFormula.values("input", Shape.of(1, 1, 2, 3))[5]);
    }
}
