// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import dev.sextant.Tensor;
import dev.sextant.models.Network;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * All that a training needs to go on as if it had never stopped, bit for bit at the same number of threads. Random numbers depend
 * on seed and step alone, so that no more of them is kept.
 *
 * @param network the name in the catalogue
 * @param parameters by key, running statistics and auxiliary heads included
 * @param moments of the optimizer, as {@link dev.sextant.Trainer#moments} names them
 * @param steps how many are done
 * @param options what was asked for
 * @param epoch sums of the epoch that is going on
 * @param history up to now
 * @param seconds that training took up to now
 */
public record Snapshot(String network, Map<String, Tensor> parameters, Map<String, Tensor> moments, long steps,
        TrainingOptions options, Sums epoch, History history, double seconds) {
    private static final String PREFIX = "sextant.training.";

    public Snapshot {
        parameters = Map.copyOf(parameters);
        moments = Map.copyOf(moments);
    }

    /** Of an epoch's steps up to now: the sum of their losses, how many images were recognised, how many steps there were. */
    public record Sums(double loss, long right, long steps) {
        static final Sums NONE = new Sums(0, 0, 0);

        Sums and(double loss, int right) {
            return new Sums(this.loss + loss, this.right + right, steps + 1);
        }
    }

    /** What a file of the weights alone says about them, so that they can be used and made again. */
    Map<String, String> notes(Network network) {
        var notes = new TreeMap<>(options.toMetadata());
        if (network.takesPictures()) notes.putAll(network.preprocessing().toMetadata());
        notes.putAll(network.labels().toMetadata());
        notes.put(PREFIX + "network", this.network);
        notes.put(PREFIX + "step", Long.toString(steps));
        notes.put(PREFIX + "epoch", Integer.toString(history.epochs().size()));
        if (!history.epochs().isEmpty()) {
            var last = history.epochs().getLast();
            if (!Double.isNaN(last.top1())) notes.put(PREFIX + "top1", Double.toString((float) last.top1()));
        }
        return notes;
    }

    /** As metadata of a checkpoint, beside {@link #tensors}. */
    Map<String, String> metadata(Network network) {
        var metadata = new TreeMap<>(notes(network));
        metadata.put(PREFIX + "epoch_loss", Double.toString(epoch.loss()));
        metadata.put(PREFIX + "epoch_right", Long.toString(epoch.right()));
        metadata.put(PREFIX + "epoch_steps", Long.toString(epoch.steps()));
        metadata.put(PREFIX + "seconds", Double.toString(seconds));
        return metadata;
    }

    Map<String, Tensor> tensors() {
        var tensors = new LinkedHashMap<>(parameters);
        tensors.putAll(moments);
        tensors.putAll(history.toTensors());
        return tensors;
    }

    /** The reverse of {@link #tensors} and {@link #metadata}. */
    static Snapshot of(Map<String, Tensor> tensors, Map<String, String> metadata) {
        var parameters = new LinkedHashMap<String, Tensor>();
        var moments = new LinkedHashMap<String, Tensor>();
        tensors.forEach((key, tensor) -> {
            if (key.startsWith("moment.") || key.startsWith("second.")) moments.put(key, tensor);
            else if (!History.isKey(key)) parameters.put(key, tensor);
        });
        return new Snapshot(TrainingOptions.text(metadata, "network"), parameters, moments, 
            TrainingOptions.integer(metadata, "step"),
            TrainingOptions.fromMetadata(metadata),
            new Sums(TrainingOptions.number(metadata, "epoch_loss"), TrainingOptions.integer(metadata, "epoch_right"),
                TrainingOptions.integer(metadata, "epoch_steps")),
            History.of(tensors), TrainingOptions.number(metadata, "seconds"));
    }
}
