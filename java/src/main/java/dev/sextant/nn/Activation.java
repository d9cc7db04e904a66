// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import java.util.Locale;

/** A function of each element by itself; any shape. */
public record Activation(Function function) implements Nn {

    /** {@code max(x, 0)}, {@code tanh(x)}, {@code 1 / (1 + exp(-x))}. */
    public enum Function { RELU, TANH, SIGMOID }

    public Activation {
        Checks.require(function != null, "activation: expects a function, found null");
    }

    @Override
    public String toString() {
        return function.name().toLowerCase(Locale.ROOT) + "()";
    }
}
