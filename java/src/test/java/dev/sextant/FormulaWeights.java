// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;

/** A checkpoint for a network, made by the golden formula: what PyTorch would store, auxiliary heads included. */
public final class FormulaWeights {
    private FormulaWeights() {}

    static Weights of(Network network) {
        return of(network, Arena.ofAuto());
    }

    static Weights of(Network network, Arena arena) {
        return Weights.of(tensors(network, arena), "the golden formula");
    }

    /** To add to and take from. */
    public static LinkedHashMap<String, Tensor> tensors(Network network, Arena arena) {
        var tensors = new LinkedHashMap<String, Tensor>();
        for (var parameter : network.parameters()) {
            var values = arena.allocate(parameter.shape().elements() * Float.BYTES, Float.BYTES);
            GoldenFormula.fill(parameter.key(), parameter.shape(), values);
            tensors.put(parameter.key(), Tensor.of(parameter.shape(), values));
        }
        return tensors;
    }
}
