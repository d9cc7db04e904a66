// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

/** How a kernel of {@code r x s} moves over a plane; the same padding above and below, left and right. */
public record Window(int r, int s, int strideH, int strideW, int padH, int padW, int dilation) {

    /** The window that covers a whole plane at once. */
    public static Window whole(Value plane) {
        return new Window(plane.h(), plane.w(), 1, 1, 0, 0, 1);
    }

    public boolean isPointwise() {
        return r == 1 && s == 1 && padH == 0 && padW == 0;
    }

    /** Pixels outside the plane {@code src} that windows reach on the way to {@code dst}: the widest of the four sides. */
    public int reach(Value src, Value dst) {
        int below = (dst.h() - 1) * strideH + (r - 1) * dilation + 1 - padH - src.h();
        int right = (dst.w() - 1) * strideW + (s - 1) * dilation + 1 - padW - src.w();
        return Math.max(Math.max(padH, padW), Math.max(below, right));
    }

    /** Pixels outside the plane {@code dst} that its gradient's way back to {@code src} reaches. */
    public int reachBack(Value src, Value dst) {
        return Math.max(reachBack(r, strideH, padH, src.h(), dst.h()), reachBack(s, strideW, padW, src.w(), dst.w()));
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
        if (padH != 0 || padW != 0) text.append(" pad ").append(pair(padH, padW));
        if (dilation != 1) text.append(" dilation ").append(dilation);
        return text.toString();
    }

    private static String pair(int h, int w) {
        return h == w ? String.valueOf(h) : h + "x" + w;
    }
}
