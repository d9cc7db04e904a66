// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

/**
 * Two-dimensional convolution (cross-correlation, as all CNN libraries have it): {@code c h w -> out p q} with {@code p =
 * floor((h + padTop + padBottom - dilation (r - 1) - 1) / strideH) + 1}, q alike. Each of {@code groups} groups maps {@code c /
 * groups} input channels to {@code out / groups} output channels. Parameters: {@code weight} of shape {@code out x c/groups x r x
 * s}, {@code bias} of shape {@code out}.
 */
public record Conv(int out, int r, int s, int strideH, int strideW, int padTop, int padLeft, int padBottom, int padRight, int dilation,
        int groups, boolean bias) implements Nn {

    public Conv {
        require(out > 0, "conv: expects at least 1 output channel, found %d", out);
        require(r > 0 && s > 0, "conv: expects a kernel of at least 1x1, found %dx%d", r, s);
        require(strideH > 0 && strideW > 0, "conv: expects strides of at least 1, found %dx%d", strideH, strideW);
        require(padTop >= 0 && padLeft >= 0 && padBottom >= 0 && padRight >= 0, "conv: expects padding of at least 0, found %s",
            Checks.pads(padTop, padLeft, padBottom, padRight));
        require(dilation > 0, "conv: expects a dilation of at least 1, found %d", dilation);
        require(groups > 0 && out % groups == 0, "conv: expects groups that divide its %d output channels, found %d", out, groups);
    }

    public Conv stride(int stride) {
        return stride(stride, stride);
    }

    public Conv stride(int h, int w) {
        return new Conv(out, r, s, h, w, padTop, padLeft, padBottom, padRight, dilation, groups, bias);
    }

    /** Zeros around the input, on all four sides. */
    public Conv pad(int pad) {
        return pad(pad, pad);
    }

    public Conv pad(int h, int w) {
        return pad(h, w, h, w);
    }

    /** Zeros around the input, on each side another number of them. */
    public Conv pad(int top, int left, int bottom, int right) {
        return new Conv(out, r, s, strideH, strideW, top, left, bottom, right, dilation, groups, bias);
    }

    public Conv dilation(int dilation) {
        return new Conv(out, r, s, strideH, strideW, padTop, padLeft, padBottom, padRight, dilation, groups, bias);
    }

    public Conv groups(int groups) {
        return new Conv(out, r, s, strideH, strideW, padTop, padLeft, padBottom, padRight, dilation, groups, bias);
    }

    /** Without bias: what comes before a {@link BatchNorm}, whose own shift does the same work. */
    public Conv noBias() {
        return new Conv(out, r, s, strideH, strideW, padTop, padLeft, padBottom, padRight, dilation, groups, false);
    }

    /** The call that makes this: {@code conv(64, 7).stride(2).pad(3).noBias()}. */
    @Override
    public String toString() {
        var pads = padTop == padBottom && padLeft == padRight ? Checks.pair("pad", padTop, padLeft, 0)
            : ".pad(" + padTop + ", " + padLeft + ", " + padBottom + ", " + padRight + ")";
        return "conv(" + out + ", " + (r == s ? "" + r : r + ", " + s) + ")" + Checks.pair("stride", strideH, strideW, 1)
            + pads + (dilation == 1 ? "" : ".dilation(" + dilation + ")")
            + (groups == 1 ? "" : ".groups(" + groups + ")") + (bias ? "" : ".noBias()");
    }
}
