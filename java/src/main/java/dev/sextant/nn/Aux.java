// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/**
 * An auxiliary head: the input passes straight through, and in training {@code head} also runs on it and {@code lossWeight}
 * times its own loss joins the network's. Inference skips the head, so a checkpoint may lack its parameters.
 */
public record Aux(Nn head, double lossWeight) implements Nn {

    public Aux {
        Checks.require(head != null, "aux: expects a head, found null");
        Checks.require(lossWeight >= 0, "aux: expects a loss weight of at least 0, found %s", lossWeight);
    }

    @Override
    public String toString() {
        return "aux(" + head + ", " + lossWeight + ")";
    }
}
