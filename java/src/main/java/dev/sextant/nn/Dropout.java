// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/**
 * In training, zeroes each element with probability {@code rate} and divides the rest by {@code 1 - rate}; the identity in
 * inference.
 */
public record Dropout(double rate) implements Nn {

    public Dropout {
        Checks.require(rate >= 0 && rate < 1, "dropout: expects a rate from 0 up to, not with, 1, found %s", rate);
    }

    @Override
    public String toString() {
        return "dropout(" + rate + ")";
    }
}
