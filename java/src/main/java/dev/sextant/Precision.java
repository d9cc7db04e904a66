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
    STRICT,
    /**
     * Between input and output bfloat16, the upper half of a float32, in half the memory; sums are float32: within 2e-2. Needs a
     * processor with the dot products AVX512_BF16 and AVX512_VNNI.
     */
    BF16,
    /**
     * Between input and output 8 bits, in steps that a {@link Calibration} found, multiplied by weights of 8 bits; sums are whole
     * numbers. Where no steps are known, bfloat16. Needs the processor of {@link #BF16}.
     */
    INT8;

    private static final String NARROW_ISA = "avx512_bf16";

    /** The inverse of {@link #toString}, in any case. */
    public static Precision parse(String text) {
        for (var precision : values()) {
            if (precision.name().equalsIgnoreCase(text.strip())) return precision;
        }
        throw new IllegalArgumentException("precision: expects fp32, strict, bf16 or int8, found '" + text + "'");
    }

    /** @throws UnsupportedOperationException if the processor has not the instructions for it */
    void requireOn(Device.Info device) {
        if (this == FP32 || this == STRICT || device.isaName().equals(NARROW_ISA)) return;
        throw new UnsupportedOperationException("precision: " + this
            + " needs a processor with AVX512_BF16 and AVX512_VNNI, this one has " + device.isaName());
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
