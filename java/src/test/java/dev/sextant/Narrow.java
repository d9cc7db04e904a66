// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import org.junit.jupiter.api.Assumptions;

/** What only some processors can run. */
final class Narrow {
    private Narrow() {}

    static boolean runsOn(Device device) {
        return device.info().isaName().equals("avx512_bf16");
    }

    /** Skips the test on processors without AVX512_BF16. */
    static void assumeRunsOn(Device device) {
        Assumptions.assumeTrue(runsOn(device), () -> device.info().isaName() + " has no bf16 and no int8 kernels");
    }
}
