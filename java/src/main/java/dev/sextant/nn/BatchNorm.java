// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

/**
 * Batch normalisation of each channel, {@code y = gamma (x - mean) / sqrt(var + eps) + beta} (Ioffe &amp; Szegedy,
 * arXiv:1502.03167). Inference takes mean and variance from the running statistics; training takes the batch's own and moves
 * the running ones by {@code momentum} towards them. Keys, each of shape {@code c}: {@code weight} (gamma), {@code bias}
 * (beta), {@code running_mean}, {@code running_var}.
 */
public record BatchNorm(double eps, double momentum) implements Nn {

    public BatchNorm {
        require(eps > 0 && eps < 1, "batch norm: expects eps between 0 and 1, found %s", eps);
        require(momentum >= 0 && momentum <= 1, "batch norm: expects a momentum from 0 to 1, found %s", momentum);
    }

    public BatchNorm momentum(double momentum) {
        return new BatchNorm(eps, momentum);
    }

    @Override
    public String toString() {
        return "batchNorm(" + (eps == 1e-5 ? "" : eps) + ")" + (momentum == 0.1 ? "" : ".momentum(" + momentum + ")");
    }
}
