// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Model;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.KeyNames;
import dev.sextant.io.Weights;
import dev.sextant.models.BuiltIn;
import dev.sextant.models.Network;
import dev.sextant.nn.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A network of the catalogue with a weights file, which may say more than the numbers: how many classes its last layer has, and in its metadata
 * how pictures are prepared and what the classes are called. What it says takes precedence over the catalogue.
 */
final class Pretrained {
    private Pretrained() {}

    /**
     * @param file of the weights; null for those that are built in
     * @param labelsFile names of the classes that take precedence over all others, or null
     */
    static Model load(Network network, Path file, Path labelsFile) throws IOException {
        var labels = labelsFile == null ? null : Labels.read(Failure.readable(labelsFile));
        var weights = file == null ? BuiltIn.weights(network) : Weights.open(Failure.readable(file));
        try {
            var adapted = fitted(network, weights);
            var names = Optional.ofNullable(labels).or(() -> Labels.fromMetadata(weights.metadata())).orElse(adapted.labels());
            if (names.size() != adapted.labels().size()) {
                throw new IllegalArgumentException((labels == null ? weights.source() : labelsFile) + ": expects a name for each of the "
                    + adapted.labels().size() + " classes that " + network.name() + " has in " + weights.source() + ", found " + names.size());
            }
            return Model.of(adapted.with(names), weights);
        } catch (Throwable e) {
            weights.close();
            throw e;
        }
    }

    /** The network with as many classes and on such pictures as the weights say. */
    static Network fitted(Network network, Weights weights) {
        var sized = network.classes(classes(network, weights));
        return Preprocessing.fromMetadata(weights.metadata()).map(p -> sized.at(p.height(), p.width()).with(p)).orElse(sized);
    }

    /** The classes that the weights' last layer has, where they have this layer at all; loading reports what else does not fit. */
    private static int classes(Network network, Weights weights) {
        var last = network.layers().parameters().getLast();
        var key = KeyNames.of(weights).get(last.key());
        if (last.kind() == Parameter.Kind.BIAS && key != null && weights.shape(key).rank() == 1) {
            return Math.max(1, weights.shape(key).dim(0));
        }
        return network.labels().size();
    }
}
