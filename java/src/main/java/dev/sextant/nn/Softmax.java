// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/** {@code exp(x) / sum exp(x)} over the channels (over all of {@code f}), or its logarithm. Shape is kept. */
public record Softmax(boolean log) implements Nn {

    @Override
    public String toString() {
        return log ? "logSoftmax()" : "softmax()";
    }
}
