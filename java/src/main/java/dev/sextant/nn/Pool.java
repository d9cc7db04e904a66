// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

/**
 * Max or average pooling over {@code r x s} windows: {@code c h w -> c p q} with {@code p = floor((h + padTop + padBottom -
 * dilation (r - 1) - 1) / strideH) + 1}, or that quotient rounded up where {@code ceil} is set, except that no window starts
 * beyond the input and its upper padding. Padding counts as minus infinity for the maximum and as zero for the average, which
 * divides by the window's pixels in the padded input where {@code countPad} is set and by those in the input where not.
 */
public record Pool(Kind kind, int r, int s, int strideH, int strideW, int padTop, int padLeft, int padBottom, int padRight, int dilation,
        boolean ceil, boolean countPad) implements Nn {

    public enum Kind { MAX, AVG }

    public Pool {
        require(kind != null, "pool: expects a kind, found null");
        require(r > 0 && s > 0, "pool: expects a window of at least 1x1, found %dx%d", r, s);
        require(strideH > 0 && strideW > 0, "pool: expects strides of at least 1, found %dx%d", strideH, strideW);
        require(dilation > 0, "pool: expects a dilation of at least 1, found %d", dilation);
        long rows = dilation * (r - 1L) + 1, columns = dilation * (s - 1L) + 1;
        require(Math.min(Math.min(padTop, padLeft), Math.min(padBottom, padRight)) >= 0 && Math.max(padTop, padBottom) < rows
                && Math.max(padLeft, padRight) < columns, "pool: expects padding of 0 up to less than its %dx%d window, found %s", rows, columns,
            Checks.pads(padTop, padLeft, padBottom, padRight));
    }

    /** Whether sizes round up, so that the last row and column of pixels always belong to some window. */
    public Pool ceil(boolean ceil) {
        return new Pool(kind, r, s, strideH, strideW, padTop, padLeft, padBottom, padRight, dilation, ceil, countPad);
    }

    /** Whether an average divides by the padding's share of a window too. */
    public Pool countPad(boolean countPad) {
        return new Pool(kind, r, s, strideH, strideW, padTop, padLeft, padBottom, padRight, dilation, ceil, countPad);
    }

    public Pool dilation(int dilation) {
        return new Pool(kind, r, s, strideH, strideW, padTop, padLeft, padBottom, padRight, dilation, ceil, countPad);
    }

    @Override
    public String toString() {
        var pads = padTop == padBottom && padLeft == padRight ? size(padTop, padLeft) : Checks.pads(padTop, padLeft, padBottom, padRight);
        return (kind == Kind.MAX ? "maxPool(" : "avgPool(") + size(r, s) + ", " + size(strideH, strideW)
            + (padTop + padLeft + padBottom + padRight == 0 ? "" : ", " + pads) + ")" + (dilation == 1 ? "" : ".dilation(" + dilation + ")")
            + (ceil ? ".ceil(true)" : "") + (countPad ? "" : ".countPad(false)");
    }

    private static String size(int h, int w) {
        return h == w ? "" + h : h + "x" + w;
    }
}
