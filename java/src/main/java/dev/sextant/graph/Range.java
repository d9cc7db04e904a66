// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

/** The real numbers that a value was seen to hold, zero always among them. */
public record Range(float min, float max) {
    private static final int LEVELS = 255;

    public Range {
        if (!Float.isFinite(min) || !Float.isFinite(max) || min > 0 || max < 0) {
            throw new IllegalArgumentException("range: expects finite numbers on both sides of zero, found " + min + " to " + max);
        }
    }

    public Range and(Range that) {
        return new Range(Math.min(min, that.min), Math.max(max, that.max));
    }

    /**
     * 8 bits for these numbers, such that zero is one of the stored ones (Jacob et al., arXiv:1712.05877, sec. 2.1): padding and what
     * a ReLU cuts off are exact.
     */
    public Format format() {
        float scale = (max - min) / LEVELS;
        if (!(scale >= Float.MIN_NORMAL)) return Format.u8(1, 0); // nothing but zeros was seen
        return Format.u8(scale, Math.clamp(Math.round(-min / scale), 0, LEVELS));
    }
}
