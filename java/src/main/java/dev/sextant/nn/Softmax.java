// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/**
 * {@code exp(x) / sum exp(x)} over the classes, or its logarithm: {@code f -> f} or {@code c 1 1 -> c 1 1}.
 *
 * @param rows how many equal parts the values are, each with classes of its own; 1 as a rule
 */
public record Softmax(boolean log, int rows) implements Nn {

    public Softmax {
        Checks.require(rows > 0, "softmax: expects at least 1 row, found %d", rows);
    }

    /** Over all values together. */
    public Softmax(boolean log) {
        this(log, 1);
    }

    @Override
    public String toString() {
        return (log ? "logSoftmax(" : "softmax(") + (rows == 1 ? "" : rows + " rows") + ")";
    }
}
