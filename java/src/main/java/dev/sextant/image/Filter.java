// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

/** How samples are weighted when a picture is resized; stretched by the scale when shrinking, so that nothing aliases. */
public enum Filter {
    /** A tent over two samples: what torchvision's networks are trained with. */
    BILINEAR(1),
    /**
     * Cubic convolution over four samples with a = -1/2, sharper (R. Keys, "Cubic convolution interpolation for digital image
     * processing", 1981): what most of timm's and many of Hugging Face's networks are trained with.
     */
    BICUBIC(2);

    /** How many samples it reaches to either side. */
    final int reach;

    Filter(int reach) {
        this.reach = reach;
    }

    /** The weight of a sample at a distance of {@code x}, at least 0, from the centre. */
    double at(double x) {
        if (this == BILINEAR) return x < 1 ? 1 - x : 0;
        if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    }

    /** The filter that is called so, {@code bilinear} or {@code bicubic}; else an {@link IllegalArgumentException} naming both. */
    public static Filter parse(String text) {
        for (var filter : values()) if (filter.name().equalsIgnoreCase(text)) return filter;
        throw new IllegalArgumentException("filter: expects bilinear or bicubic, found '" + text + "'");
    }
}
