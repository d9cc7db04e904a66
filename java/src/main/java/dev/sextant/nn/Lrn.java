// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

/**
 * Local response normalisation across channels (Krizhevsky et al., NIPS 2012, section 3.3): {@code y[c] = x[c] / (k + alpha
 * sum x[i]^2)^beta}, i from {@code c - size/2} to {@code c + (size - 1)/2} as far as there are channels. {@code alpha}
 * multiplies the plain sum, as the paper writes it; Caffe and PyTorch divide theirs by {@code size} first. Shape is kept.
 */
public record Lrn(int size, double alpha, double beta, double k) implements Nn {

    public Lrn {
        require(size > 0, "lrn: expects a window of at least 1 channel, found %d", size);
        require(alpha >= 0 && beta >= 0 && k >= 0 && alpha + k > 0,
            "lrn: expects alpha, beta and k of at least 0, not both alpha and k zero, found %s, %s and %s", alpha, beta, k);
    }

    @Override
    public String toString() {
        return "lrn(" + size + ", " + alpha + ", " + beta + ", " + k + ")";
    }
}
