// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

/**
 * Fully connected layer {@code y = W x + b} on the flattened input: {@code c h w} (or {@code f}) {@code -> out}. Parameters:
 * {@code weight} of shape {@code out x (c h w)}, {@code bias} of shape {@code out}.
 */
public record Linear(int out, boolean bias) implements Nn {

    public Linear {
        require(out > 0, "linear: expects at least 1 output, found %d", out);
    }

    public Linear noBias() {
        return new Linear(out, false);
    }

    @Override
    public String toString() {
        return "linear(" + out + ")" + (bias ? "" : ".noBias()");
    }
}
