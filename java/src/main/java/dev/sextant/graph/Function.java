// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.nn.Activation;

/** What a node does to each element last, in the order of the C header's constants. */
public enum Function {
    IDENTITY, RELU, TANH, SIGMOID;

    static Function of(Activation.Function function) {
        return switch (function) {
            case RELU -> RELU;
            case TANH -> TANH;
            case SIGMOID -> SIGMOID;
        };
    }
}
