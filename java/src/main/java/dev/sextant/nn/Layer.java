// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import dev.sextant.Shape;
import java.util.List;

/**
 * One layer of a description at its place: a leaf such as {@link Conv}, or the joining of branches by {@link Add} or {@link
 * Concat}.
 *
 * @param path its name, and the prefix of its parameters' keys: {@code features.0}
 * @param input the shape of one image's input; of the branches' common input for a joining
 * @param output the shape of one image's output
 * @param flops of one image; a multiply-add counts 2, and as usual only convolutions and linear layers are counted
 * @param auxiliary whether it lies in an {@link Aux} head, which inference leaves out
 */
public record Layer(String path, Nn nn, Shape input, Shape output, List<Parameter> parameters, long flops, boolean auxiliary) {

    public Layer {
        parameters = List.copyOf(parameters);
    }

    /** The kind of layer in lower case: {@code conv}, {@code batch norm}. */
    public String type() {
        return Shapes.type(nn);
    }

    /** How many values training adjusts. */
    public long trainable() {
        return parameters.stream().filter(Parameter::trainable).mapToLong(p -> p.shape().elements()).sum();
    }
}
