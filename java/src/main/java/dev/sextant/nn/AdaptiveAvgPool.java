// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/**
 * Average pooling to a fixed size, {@code c h w -> c p q}: row i averages input rows {@code floor(i h / p)} up to, not with,
 * {@code ceil((i + 1) h / p)}, columns alike. The identity where the input is {@code p x q} already.
 */
public record AdaptiveAvgPool(int p, int q) implements Nn {

    public AdaptiveAvgPool {
        Checks.require(p > 0 && q > 0, "adaptive average pool: expects an output of at least 1x1, found %dx%d", p, q);
    }

    @Override
    public String toString() {
        return "adaptiveAvgPool(" + p + ", " + q + ")";
    }
}
