// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Precision;
import dev.sextant.data.Augmentation;
import dev.sextant.train.Optimizer;
import dev.sextant.train.Schedule;
import dev.sextant.train.TrainingOptions;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** What {@code train} lets its user choose of a training; what is not chosen comes from the network's {@link Recipe}. */
final class TrainChoices {
    /** Where AdamW is chosen without them: the usual numbers, for the recipes' are meant for momentum. */
    private static final double ADAMW_RATE = 1e-3, ADAMW_DECAY = 0.01;

    enum Kind { sgd, adamw }

    enum Decay { all, weights }

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--epochs", paramLabel = "N", description = "How often all pictures are seen.")
    private Integer epochs;

    @Option(names = "--batch", paramLabel = "B", description = "Pictures in a step.")
    private Integer batch;

    @Option(names = "--lr", paramLabel = "R", description = "Learning rate, the base of the schedule.")
    private Double rate;

    @Option(names = "--schedule", paramLabel = "S", converter = ScheduleConverter.class,
        description = "How the rate changes: constant, step:0.5,0.75 (a tenth at each part of the training), cosine, linear, "
            + "poly:2, onecycle; each also behind warmup:500, for so many steps, or warmup:0.05, for that part.")
    private Schedule schedule;

    @Option(names = "--optimizer", paramLabel = "O", description = "sgd or adamw.")
    private Kind optimizer;

    @Option(names = "--momentum", paramLabel = "M", description = "Of sgd.")
    private Double momentum;

    @Option(names = "--nesterov", negatable = true, description = "Nesterov's momentum, or not.")
    private Boolean nesterov;

    @Option(names = "--weight-decay", paramLabel = "D", description = "What pulls parameters towards 0.")
    private Double weightDecay;

    @Option(names = "--decay", paramLabel = "WHAT", description = "all, or weights: not biases and norms.")
    private Decay decay;

    @Option(names = "--smoothing", paramLabel = "X", description = "The part of a label that all classes share.")
    private Double smoothing;

    @Option(names = "--clip", paramLabel = "X", description = "Gradients longer than this are made as long as this; 0: never.")
    private Double clip;

    @Option(names = "--augment", paramLabel = "A", converter = AugmentationConverter.class,
        description = "Random changes of the pictures, with commas between: flip, crop:4, resized-crop, jitter:0.4, "
            + "lighting:0.1, cutout:8, mixup:0.2; or none.")
    private List<Augmentation> augmentations;

    @Option(names = "--seed", paramLabel = "N", description = "Of all random numbers; the same gives the same weights.")
    private Long seed;

    @Option(names = "--precision", paramLabel = "P", converter = RunOptions.PrecisionConverter.class,
        description = "fp32; strict: every product summed directly (no Winograd); tf32: shorter factors (cuda); bf16: pictures and "
            + "their gradients in bfloat16, parameters in float32 (AVX512_BF16 or cuda).")
    private Precision precision;

    /** What was chosen, the rest as in {@code base}. @throws ParameterException for numbers out of range */
    TrainingOptions over(TrainingOptions base) {
        return checked(() -> {
            boolean switched = optimizer != null && (optimizer == Kind.sgd) != (base.optimizer() instanceof Optimizer.Sgd);
            double otherwise = switched && optimizer == Kind.adamw ? ADAMW_RATE : base.rate();
            return new TrainingOptions(or(epochs, base.epochs()), or(batch, base.batch()), or(rate, otherwise),
                or(schedule, base.schedule()),
                optimizer(base.optimizer(), switched), or(smoothing, base.smoothing()), or(augmentations, base.augmentations()),
                or(seed, base.seed()), or(precision, base.precision()));
        });
    }

    /**
     * What was chosen for a training that goes on: what its steps so far depend on cannot change.
     *
     * @throws ParameterException if it would
     */
    TrainingOptions resuming(TrainingOptions saved) {
        var wanted = over(saved);
        require("--batch", saved.batch(), wanted.batch());
        require("--seed", saved.seed(), wanted.seed());
        require("--precision", saved.precision(), wanted.precision());
        require("--optimizer", kind(saved.optimizer()), kind(wanted.optimizer()));
        return wanted;
    }

    private void require(String option, Object saved, Object wanted) {
        if (saved.equals(wanted)) return;
        throw new ParameterException(spec.commandLine(), option + ": the checkpoint to go on from was made with " + saved
            + ", found " + wanted);
    }

    private Optimizer optimizer(Optimizer base, boolean switched) {
        boolean adamw = optimizer == null ? base instanceof Optimizer.AdamW : optimizer == Kind.adamw;
        if (adamw && (momentum != null || nesterov != null)) {
            throw new ParameterException(spec.commandLine(), "--" + (momentum != null ? "momentum" : "nesterov")
                + ": only sgd has it, found adamw");
        }
        Optimizer kind = switched ? adamw ? Optimizer.AdamW.of(ADAMW_DECAY) : Optimizer.Sgd.of(0.9, base.weightDecay()) : base;
        if (kind instanceof Optimizer.Sgd sgd) {
            double used = or(momentum, sgd.momentum());
            kind = new Optimizer.Sgd(used, or(nesterov, used > 0 && sgd.nesterov()), sgd.weightDecay(), sgd.decayAll(),
                sgd.largestNorm());
        }
        return kind.withWeightDecay(or(weightDecay, kind.weightDecay()))
            .withDecayAll(decay == null ? kind.decayAll() : decay == Decay.all).withLargestNorm(or(clip, kind.largestNorm()));
    }

    private <T> T checked(Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
    }

    private static <T> T or(T chosen, T otherwise) {
        return chosen == null ? otherwise : chosen;
    }

    private static String kind(Optimizer optimizer) {
        return optimizer instanceof Optimizer.Sgd ? "sgd" : "adamw";
    }

    /** All of {@code options} as this command takes them. */
    static String words(TrainingOptions options) {
        var words = new ArrayList<String>();
        var optimizer = options.optimizer();
        words.addAll(List.of("--epochs " + options.epochs(), "--batch " + options.batch(), "--lr " + number(options.rate()),
            "--schedule " + options.schedule(), "--optimizer " + kind(optimizer)));
        if (optimizer instanceof Optimizer.Sgd sgd) {
            words.add("--momentum " + number(sgd.momentum()));
            words.add(sgd.nesterov() ? "--nesterov" : "--no-nesterov");
        }
        words.add("--weight-decay " + number(optimizer.weightDecay()));
        words.add("--decay " + (optimizer.decayAll() ? Decay.all : Decay.weights));
        words.add("--smoothing " + number(options.smoothing()));
        words.add("--clip " + number(optimizer.largestNorm()));
        words.add("--augment " + Augmentation.text(options.augmentations()));
        words.add("--seed " + options.seed());
        words.add("--precision " + options.precision());
        return String.join(" ", words);
    }

    private static String number(double value) {
        return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
    }

    static final class ScheduleConverter implements ITypeConverter<Schedule> {
        @Override
        public Schedule convert(String text) throws Exception {
            return Failure.asUsage(() -> Schedule.parse(text));
        }
    }

    static final class AugmentationConverter implements ITypeConverter<List<Augmentation>> {
        @Override
        public List<Augmentation> convert(String text) throws Exception {
            return Failure.asUsage(() -> Augmentation.parse(text));
        }
    }
}
