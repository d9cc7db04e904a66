// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

/**
 * How the numbers of a value are stored.
 *
 * @param scale what one step of an {@link Kind#U8} is worth
 * @param zeroPoint the stored number that means zero: {@code real = scale (stored - zeroPoint)}
 */
public record Format(Kind kind, float scale, int zeroPoint) {
    public static final Format F32 = new Format(Kind.F32, 0, 0);
    /** The upper half of a float32, rounded to nearest even. */
    public static final Format BF16 = new Format(Kind.BF16, 0, 0);

    /** IEEE 754 half precision: CUDA devices. */
    public static final Format F16 = new Format(Kind.F16, 0, 0);
    /** A float32 whose products may be taken of factors rounded to 10 bits after the point: CUDA devices. */
    public static final Format TF32 = new Format(Kind.TF32, 0, 0);

    /** Element types, in the order of the C header's constants. */
    public enum Kind {
        F32(4), BF16(2), U8(1), F16(2), TF32(4);

        private final int bytes;

        Kind(int bytes) {
            this.bytes = bytes;
        }

        public int bytes() {
            return bytes;
        }
    }

    public static Format u8(float scale, int zeroPoint) {
        return new Format(Kind.U8, scale, zeroPoint);
    }

    /** {@code bf16}, {@code u8 0.0235 zero 12}. */
    @Override
    public String toString() {
        return switch (kind) {
            case F32 -> "f32";
            case BF16 -> "bf16";
            case F16 -> "f16";
            case TF32 -> "tf32";
            case U8 -> "u8 " + scale + (zeroPoint == 0 ? "" : " zero " + zeroPoint);
        };
    }
}
