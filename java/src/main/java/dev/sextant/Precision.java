// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.util.Locale;

/** How numbers may be computed. */
public enum Precision {
    /**
     * Float32 with the fastest kernels, which may rearrange sums (Winograd): within 1e-4 of a float64 result, relative to the
     * largest.
     */
    FP32,
    /** Float32 with every product summed directly: within 1e-5. */
    STRICT;

    /** The inverse of {@link #toString}: {@code fp32} or {@code strict}, in any case. */
    public static Precision parse(String text) {
        for (var precision : values()) {
            if (precision.name().equalsIgnoreCase(text.strip())) return precision;
        }
        throw new IllegalArgumentException("precision: expects fp32 or strict, found '" + text + "'");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
