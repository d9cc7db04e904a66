// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/** {@code c h w -> f} with {@code f = c h w}, channels outermost. */
public record Flatten() implements Nn {

    @Override
    public String toString() {
        return "flatten()";
    }
}
