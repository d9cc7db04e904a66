// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import dev.sextant.Precision;
import dev.sextant.data.Augmentation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a training's result depends on, besides network, data, first parameters and number of threads.
 *
 * @param epochs how often all samples are seen
 * @param batch images a step
 * @param rate the base learning rate, which {@code schedule} changes
 * @param smoothing what the right class gives up to all in equal parts (Szegedy et al., arXiv:1512.00567, section 7); 0 for none
 * @param augmentations in this order
 * @param seed of the order of samples, the augmentations and dropout
 */
public record TrainingOptions(int epochs, int batch, double rate, Schedule schedule, Optimizer optimizer, double smoothing,
        List<Augmentation> augmentations, long seed, Precision precision) {
    private static final String PREFIX = "sextant.training.";

    /** @throws IllegalArgumentException for a number outside its range */
    public TrainingOptions {
        augmentations = List.copyOf(augmentations);
        if (epochs < 1) throw bad("epochs", "at least 1", epochs);
        if (batch < 1) throw bad("batch", "at least 1", batch);
        if (!(rate > 0) || Double.isInfinite(rate)) throw bad("rate", "a number over 0", rate);
        if (!(smoothing >= 0 && smoothing < 1)) throw bad("smoothing", "a number from 0 to under 1", smoothing);
        if (precision == Precision.INT8 || precision == Precision.FP16) throw bad("precision", "fp32, strict, tf32 or bf16", precision);
    }

    /** Stochastic gradient descent with momentum 0.9 and weight decay 1e-4, a cosine, float32, no augmentation, seed 1. */
    public static TrainingOptions of(int epochs, int batch, double rate) {
        return new TrainingOptions(epochs, batch, rate, new Schedule.Cosine(), Optimizer.Sgd.of(0.9, 1e-4), 0, List.of(), 1,
            Precision.FP32);
    }

    public TrainingOptions withSchedule(Schedule schedule) {
        return new TrainingOptions(epochs, batch, rate, schedule, optimizer, smoothing, augmentations, seed, precision);
    }

    public TrainingOptions withOptimizer(Optimizer optimizer) {
        return new TrainingOptions(epochs, batch, rate, schedule, optimizer, smoothing, augmentations, seed, precision);
    }

    public TrainingOptions withSmoothing(double smoothing) {
        return new TrainingOptions(epochs, batch, rate, schedule, optimizer, smoothing, augmentations, seed, precision);
    }

    public TrainingOptions withAugmentations(List<Augmentation> augmentations) {
        return new TrainingOptions(epochs, batch, rate, schedule, optimizer, smoothing, augmentations, seed, precision);
    }

    public TrainingOptions withSeed(long seed) {
        return new TrainingOptions(epochs, batch, rate, schedule, optimizer, smoothing, augmentations, seed, precision);
    }

    public TrainingOptions withPrecision(Precision precision) {
        return new TrainingOptions(epochs, batch, rate, schedule, optimizer, smoothing, augmentations, seed, precision);
    }

    /** As metadata of a weights file: keys {@code sextant.training.*}. */
    public Map<String, String> toMetadata() {
        var map = new LinkedHashMap<String, String>();
        map.put(PREFIX + "epochs", Integer.toString(epochs));
        map.put(PREFIX + "batch", Integer.toString(batch));
        map.put(PREFIX + "rate", Double.toString(rate));
        map.put(PREFIX + "schedule", schedule.toString());
        switch (optimizer) {
            case Optimizer.Sgd sgd -> {
                map.put(PREFIX + "optimizer", "sgd");
                map.put(PREFIX + "momentum", Double.toString(sgd.momentum()));
                map.put(PREFIX + "nesterov", Boolean.toString(sgd.nesterov()));
            }
            case Optimizer.AdamW adam -> {
                map.put(PREFIX + "optimizer", "adamw");
                map.put(PREFIX + "beta1", Double.toString(adam.beta1()));
                map.put(PREFIX + "beta2", Double.toString(adam.beta2()));
                map.put(PREFIX + "eps", Double.toString(adam.eps()));
            }
        }
        map.put(PREFIX + "weight_decay", Double.toString(optimizer.weightDecay()));
        map.put(PREFIX + "decay_all", Boolean.toString(optimizer.decayAll()));
        map.put(PREFIX + "clip", Double.toString(optimizer.largestNorm()));
        map.put(PREFIX + "smoothing", Double.toString(smoothing));
        map.put(PREFIX + "augment", Augmentation.text(augmentations));
        map.put(PREFIX + "seed", Long.toString(seed));
        map.put(PREFIX + "precision", precision.toString());
        return map;
    }

    /**
     * The reverse of {@link #toMetadata}.
     *
     * @throws IllegalArgumentException if one of the keys is missing or its value cannot be used, naming it
     */
    public static TrainingOptions fromMetadata(Map<String, String> metadata) {
        double decay = number(metadata, "weight_decay"), clip = number(metadata, "clip");
        boolean decayAll = Boolean.parseBoolean(text(metadata, "decay_all"));
        var optimizer = switch (text(metadata, "optimizer")) {
            case "sgd" -> new Optimizer.Sgd(number(metadata, "momentum"), Boolean.parseBoolean(text(metadata, "nesterov")),
                decay, decayAll, clip);
            case "adamw" -> new Optimizer.AdamW(number(metadata, "beta1"), number(metadata, "beta2"), number(metadata, "eps"),
                decay, decayAll, clip);
            case String other -> throw new IllegalArgumentException("metadata: " + PREFIX
                + "optimizer expects sgd or adamw, found '" + other + "'");
        };
        return new TrainingOptions((int) integer(metadata, "epochs"), (int) integer(metadata, "batch"), number(metadata, "rate"),
            Schedule.parse(text(metadata, "schedule")), optimizer, number(metadata, "smoothing"),
            Augmentation.parse(text(metadata, "augment")), integer(metadata, "seed"),
                Precision.parse(text(metadata, "precision")));
    }

    static String text(Map<String, String> metadata, String field) {
        var text = metadata.get(PREFIX + field);
        if (text == null) throw new IllegalArgumentException("metadata: expects " + PREFIX + field + ", found none");
        return text.strip();
    }

    static double number(Map<String, String> metadata, String field) {
        try {
            return Double.parseDouble(text(metadata, field));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("metadata: " + PREFIX + field + " expects a number, found '"
                + text(metadata, field) + "'", e);
        }
    }

    static long integer(Map<String, String> metadata, String field) {
        try {
            return Long.parseLong(text(metadata, field));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("metadata: " + PREFIX + field + " expects an integer, found '"
                + text(metadata, field) + "'", e);
        }
    }

    private static IllegalArgumentException bad(String what, String expected, Object found) {
        return new IllegalArgumentException("training: " + what + " expects " + expected + ", found " + found);
    }
}
