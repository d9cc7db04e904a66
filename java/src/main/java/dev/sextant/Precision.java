// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.graph.Format;
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
     * Float32, factors of products rounded to 10 bits after the point, as the tensor cores of CUDA devices take them: within 2e-3.
     * Of CUDA devices alone.
     */
    TF32,
    /**
     * Between input and output bfloat16, the upper half of a float32, in half the memory; sums are float32: within 2e-2. Needs a
     * processor with the dot products AVX512_BF16 and AVX512_VNNI, or a CUDA device.
     */
    BF16,
    /**
     * Between input and output half precision, 10 bits after the point and numbers up to 65504; sums are float32: within 2e-2, and
     * mostly nearer than bfloat16. Of CUDA devices alone, and not for training.
     */
    FP16,
    /**
     * Between input and output 8 bits, in steps that a {@link Calibration} found, multiplied by weights of 8 bits; sums are whole
     * numbers. Where no steps are known, bfloat16. Needs the processor of {@link #BF16}; CUDA devices have it not.
     */
    INT8;

    private static final String NARROW_ISA = "avx512_bf16";

    /** The inverse of {@link #toString}, in any case. */
    public static Precision parse(String text) {
        for (var precision : values()) {
            if (precision.name().equalsIgnoreCase(text.strip())) return precision;
        }
        throw new IllegalArgumentException("precision: expects fp32, strict, tf32, bf16, fp16 or int8, found '" + text + "'");
    }

    /** What values between input and output are stored as; those of {@link #INT8} where no steps are known. */
    Format format() {
        return switch (this) {
            case FP32, STRICT -> Format.F32;
            case TF32 -> Format.TF32;
            case BF16, INT8 -> Format.BF16;
            case FP16 -> Format.F16;
        };
    }

    /** @throws UnsupportedOperationException if the device has not the instructions for it */
    void requireOn(Device.Info device) {
        boolean cuda = device.kind() == Device.Kind.CUDA;
        switch (this) {
            case FP32, STRICT -> { }
            case TF32, FP16 -> {
                if (!cuda) throw new UnsupportedOperationException("precision: " + this + " needs a CUDA device, this is a processor");
            }
            case BF16, INT8 -> {
                if (cuda && this == INT8) {
                    throw new UnsupportedOperationException("precision: int8 needs a processor with AVX512_BF16 and AVX512_VNNI, "
                        + device.processor() + " computes in fp32, strict, tf32, bf16 or fp16");
                }
                if (!cuda && !device.isaName().equals(NARROW_ISA)) {
                    throw new UnsupportedOperationException("precision: " + this
                        + " needs a processor with AVX512_BF16 and AVX512_VNNI, this one has " + device.isaName());
                }
            }
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
