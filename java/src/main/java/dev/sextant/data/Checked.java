// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

/** Checks that several files need. */
final class Checked {
    private Checked() {}

    /** How many samples {@code first(count)} leaves of {@code size}. */
    static int count(int count, int size) {
        if (count < 1) throw new IllegalArgumentException("data set: expected at least 1 sample to be kept, found " + count);
        return Math.min(count, size);
    }
}
