// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

/** How a kernel of {@code r x s} moves over a plane with so many pixels of padding on each side. */
public record Window(int r, int s, int strideH, int strideW, int padTop, int padLeft, int padBottom, int padRight, int dilation) {

    /** The same padding above and below, left and right. */
    public Window(int r, int s, int strideH, int strideW, int padH, int padW, int dilation) {
        this(r, s, strideH, strideW, padH, padW, padH, padW, dilation);
    }

    /** The window that covers a whole plane at once. */
    public static Window whole(Value plane) {
        return new Window(plane.h(), plane.w(), 1, 1, 0, 0, 1);
    }

    public boolean isPointwise() {
        return r == 1 && s == 1 && padTop == 0 && padLeft == 0 && padBottom == 0 && padRight == 0;
    }

    /** Pixels outside the plane {@code src} that windows reach on the way to {@code dst}: the widest of the four sides. */
    public int reach(Value src, Value dst) {
        int below = (dst.h() - 1) * strideH + (r - 1) * dilation + 1 - padTop - src.h();
        int right = (dst.w() - 1) * strideW + (s - 1) * dilation + 1 - padLeft - src.w();
        return Math.max(Math.max(padTop, padLeft), Math.max(below, right));
    }

    /** Pixels outside the plane {@code dst} that its gradient's way back to {@code src} reaches. */
    public int reachBack(Value src, Value dst) {
        return Math.max(reachBack(r, strideH, padTop, src.h(), dst.h()), reachBack(s, strideW, padLeft, src.w(), dst.w()));
    }

    /** A pixel {@code y} of the source is read by those {@code p} with {@code p stride = y + pad - r dilation}. */
    private int reachBack(int taps, int stride, int pad, int from, int to) {
        int above = Math.floorDiv((taps - 1) * dilation - pad, stride), below = Math.floorDiv(from - 1 + pad, stride) - (to - 1);
        return Math.max(0, Math.max(above, below));
    }

    /** {@code 3x3/2 pad 1}. */
    @Override
    public String toString() {
        var text = new StringBuilder(r + "x" + s);
        if (strideH != 1 || strideW != 1) text.append('/').append(pair(strideH, strideW));
        if (padTop != padBottom || padLeft != padRight) {
            text.append(" pad ").append(padTop).append(' ').append(padLeft).append(' ').append(padBottom).append(' ').append(padRight);
        } else if (padTop != 0 || padLeft != 0) {
            text.append(" pad ").append(pair(padTop, padLeft));
        }
        if (dilation != 1) text.append(" dilation ").append(dilation);
        return text.toString();
    }

    private static String pair(int h, int w) {
        return h == w ? String.valueOf(h) : h + "x" + w;
    }
}
