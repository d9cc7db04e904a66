// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/** {@code exp(x) / sum exp(x)} over the classes, or its logarithm: {@code f -> f} or {@code c 1 1 -> c 1 1}. */
public record Softmax(boolean log) implements Nn {

    @Override
    public String toString() {
        return log ? "logSoftmax()" : "softmax()";
    }
}
