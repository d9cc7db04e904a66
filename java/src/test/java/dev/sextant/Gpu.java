// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import org.junit.jupiter.api.Assumptions;

/** The first GPU, for tests that need one. */
final class Gpu {
    private Gpu() {}

    /** To be closed by the caller. Skips the test where there is none, saying what is missing. */
    static Device open() {
        try {
            return Device.cuda(0);
        } catch (DeviceException e) {
            return Assumptions.abort(e.getMessage());
        }
    }
}
