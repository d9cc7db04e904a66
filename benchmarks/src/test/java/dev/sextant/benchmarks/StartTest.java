// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** A busy machine must not turn into the claim that we are slow, nor hide that we are quick. */
final class StartTest {
    @Test
    void verdict() {
        assertEquals("met", Start.verdict(0.4, false));
        assertEquals("met", Start.verdict(0.4, true));
        assertEquals("not met", Start.verdict(0.6, false));
        assertEquals("undecided, the machine is busy", Start.verdict(0.6, true));
    }
}
