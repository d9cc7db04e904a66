// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Tensor;
import dev.sextant.io.KeyNames;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.nn.Parameter;
import dev.sextant.train.Initialisation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a training begins with.
 *
 * @param parameters by key, all that the network has
 * @param fresh the keys of those that a weights file gave nothing for: layers of another number of classes, auxiliary heads
 */
record FirstWeights(Map<String, Tensor> parameters, List<String> fresh) {

    /** Random ones. */
    static FirstWeights random(Network network, long seed) {
        return new FirstWeights(Initialisation.of(network).parameters(network, seed), List.of());
    }

    /**
     * Those of another training, also for other classes: then the last layers begin anew.
     *
     * @throws IllegalArgumentException if anything else is missing or of another shape, naming it
     */
    static FirstWeights from(Network network, Weights weights, long seed) {
        var parameters = new LinkedHashMap<>(Initialisation.of(network).parameters(network, seed));
        var fresh = new ArrayList<String>();
        var names = KeyNames.of(weights);
        for (var parameter : network.parameters()) {
            var key = names.get(parameter.key());
            boolean isThere = key != null;
            if (isThere && KeyNames.fits(weights.shape(key), parameter.shape())) {
                parameters.put(parameter.key(), Tensor.of(parameter.shape(), weights.tensor(key).toArray()));
            } else if (!isThere && parameter.optional() || isThere && ofClasses(network, parameter)) {
                fresh.add(parameter.key());
            } else {
                throw new IllegalArgumentException(weights.source() + ": expects " + parameter.key() + " of shape "
                    + parameter.shape() + " for "
                    + network.name() + ", found " + (isThere ? "one of shape " + weights.shape(key) : "none"));
            }
        }
        return new FirstWeights(parameters, fresh);
    }

    /** Whether its first dimension is the number of classes, in a linear layer. */
    private static boolean ofClasses(Network network, Parameter parameter) {
        return (parameter.kind() == Parameter.Kind.WEIGHT && parameter.shape().rank() == 2
            || parameter.kind() == Parameter.Kind.BIAS)
            && parameter.shape().dim(0) == network.labels().size();
    }
}
