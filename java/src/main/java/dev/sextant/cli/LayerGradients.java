// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Tensor;
import dev.sextant.Trainer;
import dev.sextant.models.Network;
import dev.sextant.nn.Conv;
import dev.sextant.train.Initialisation;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;

/**
 * How long the gradients of a network's convolutions are, from the one next to the pictures to the last.
 *
 * @param keys of their weights
 * @param first lengths before anything was learnt
 * @param last lengths during the last {@link #MEANT} steps, meant
 * @param firstLoss of the first step
 * @param lastLoss of the last steps, meant
 */
record LayerGradients(String network, List<String> keys, double[] first, double[] last, double firstLoss, double lastLoss) {
    /** How many steps are meant, or as many as there are. */
    static final int MEANT = 20;

    /** Where the pictures come from: fills a batch and its targets. */
    @FunctionalInterface
    interface Source {
        void next(MemorySegment images, MemorySegment targets) throws IOException;
    }

    /** Trains {@code network} for {@code steps} steps. */
    static LayerGradients of(Network network, Device device, Initialisation initialisation, Trainer.Options options, double rate, int steps,
            Source source) throws IOException {
        var keys = network.layers().all().stream().filter(layer -> layer.nn() instanceof Conv)
            .map(layer -> layer.parameters().getFirst().key()).toList();
        double[] first = null, last = new double[keys.size()];
        double firstLoss = 0, lastLoss = 0;
        int meant = Math.min(MEANT, steps);
        try (var trainer = new Trainer(network, device, initialisation.parameters(network, options.seed()), options)) {
            for (int step = 0; step < steps; step++) {
                source.next(trainer.images(), trainer.targets());
                var result = trainer.step(rate);
                if (step == 0) {
                    first = lengths(trainer.gradients(), keys);
                    firstLoss = result.loss();
                }
                if (step < steps - meant) continue;
                var lengths = lengths(trainer.gradients(), keys);
                for (int i = 0; i < last.length; i++) last[i] += lengths[i] / meant;
                lastLoss += result.loss() / meant;
            }
        }
        return new LayerGradients(network.name(), keys, first, last, firstLoss, lastLoss);
    }

    private static double[] lengths(Map<String, Tensor> gradients, List<String> keys) {
        return keys.stream().mapToDouble(key -> length(gradients.get(key))).toArray();
    }

    static double length(Tensor tensor) {
        double sum = 0;
        var values = tensor.data();
        for (long i = 0; i < tensor.shape().elements(); i++) {
            double value = values.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
            sum += value * value;
        }
        return Math.sqrt(sum);
    }
}
