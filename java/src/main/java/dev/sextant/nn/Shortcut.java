// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

/**
 * Shortcut without parameters, "option A" (He et al., arXiv:1512.03385, section 4.2): {@code c h w -> out ceil(h/stride)
 * ceil(w/stride)}. Takes every {@code stride}-th pixel of every {@code stride}-th row and puts {@code (out - c) / 2} channels
 * of zeros before the input's, the rest after.
 */
public record Shortcut(int out, int stride) implements Nn {

    public Shortcut {
        require(out > 0, "shortcut: expects at least 1 output channel, found %d", out);
        require(stride > 0, "shortcut: expects a stride of at least 1, found %d", stride);
    }

    @Override
    public String toString() {
        return "shortcut(" + out + ", " + stride + ")";
    }
}
