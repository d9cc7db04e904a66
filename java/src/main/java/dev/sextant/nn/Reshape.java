// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/** The same elements, in their row-major order, as {@code c h w}: what {@link Flatten} is, to another end. */
public record Reshape(int c, int h, int w) implements Nn {

    public Reshape {
        Checks.require(c > 0 && h > 0 && w > 0, "reshape: expects a shape of at least 1x1x1, found %dx%dx%d", c, h, w);
    }

    @Override
    public String toString() {
        return "reshape(" + c + ", " + h + ", " + w + ")";
    }
}
