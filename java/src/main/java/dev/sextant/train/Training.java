// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Tensor;
import dev.sextant.Trainer;
import dev.sextant.data.Batches;
import dev.sextant.data.Dataset;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Network;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A network that learns from a data set, epoch by epoch: batches are prepared ahead, each makes one step of a
 * {@link Trainer}, after each epoch the test set is looked at and the state saved. Same seed, same number of threads: same
 * weights, bit for bit, stopped and resumed in between or not. For one thread; {@link #stop} may come from any.
 */
public final class Training implements AutoCloseable {
    private final Network network;
    private final Dataset data, test;
    private final Device device;
    private final TrainingOptions options;
    private final Trainer trainer;
    private final Batches batches;
    private final List<Listener> listeners = new ArrayList<>();
    private final Window window;
    private History history;
    private Snapshot.Sums epoch;
    private Evaluation evaluation;
    /** Seconds of former runs, and when this one began. */
    private final double before;
    private final long begin = System.nanoTime();
    private CheckpointFolder checkpoints;
    private long interval = Long.MAX_VALUE, lastSaved = System.nanoTime();
    private volatile boolean isStopping;

    /** Is told how it goes, on the training's thread. */
    public interface Listener {
        /** After each step. */
        default void step(Step step) {}

        /** After every few steps, see {@link History#POINTS}. */
        default void point(History.Point point) throws IOException {}

        /** An evaluation has come so far. */
        default void evaluated(int samples) {}

        /** After each epoch. @param evaluation null without a test set */
        default void epoch(History.Epoch epoch, Evaluation evaluation) throws IOException {}

        /** After a checkpoint. */
        default void saved(long step) {}
    }

    /**
     * One step.
     *
     * @param step how many there have been
     * @param accuracy the share of its images whose likeliest class had the largest output
     */
    public record Step(long step, double loss, double accuracy, double rate, double gradientNorm) {}

    private Training(Network network, Dataset data, Dataset test, Device device, TrainingOptions options,
            Map<String, Tensor> parameters, Snapshot snapshot) {
        Evaluation.requireClasses(network, data);
        if (test != null) Evaluation.requireClasses(network, test);
        if (data.size() < options.batch()) {
            throw new IllegalArgumentException("batch: expects at most the " + data.size() + " samples of " + data.name()
                + ", found "
                + options.batch());
        }
        this.network = network;
        this.data = data;
        this.test = test;
        this.device = device;
        this.options = options;
        trainer = new Trainer(network, device, parameters, new Trainer.Options(options.batch(), null, options.optimizer(),
            options.smoothing(), options.precision(), options.seed()));
        try {
            if (snapshot != null) trainer.restore(snapshot.parameters(), snapshot.moments(), snapshot.steps());
            history = snapshot == null ? History.EMPTY : snapshot.history();
            epoch = snapshot == null ? Snapshot.Sums.NONE : snapshot.epoch();
            before = snapshot == null ? 0 : snapshot.seconds();
            batches = Batches.training(data, network.preprocessing(), options.batch(), options.augmentations(), options.seed(),
                trainer.steps(), Batches.threads());
            window = new Window(History.steps(totalSteps()), options.batch());
        } catch (Throwable e) {
            trainer.close();
            throw e;
        }
    }

    /**
     * Begins anew.
     *
     * @param test what is looked at after each epoch, or null
     * @param parameters first values of all, by key: {@link Initialisation#parameters}, or those of another training
     * @throws IllegalArgumentException if data, network, parameters and options do not fit each other
     */
    public static Training of(Network network, Dataset data, Dataset test, Device device, TrainingOptions options,
            Map<String, Tensor> parameters) {
        return new Training(network, data, test, device, options, parameters, null);
    }

    /**
     * Goes on from a snapshot, with other options if need be: with its own, the result is as if nothing had come between.
     *
     * @throws IllegalArgumentException if it is another network's, or does not fit
     */
    public static Training resumed(Network network, Dataset data, Dataset test, Device device, TrainingOptions options,
            Snapshot snapshot) {
        if (!snapshot.network().equals(network.name())) {
            throw new IllegalArgumentException("checkpoint: expects one of " + network.name() + ", found one of "
                + snapshot.network());
        }
        return new Training(network, data, test, device, options, snapshot.parameters(), snapshot);
    }

    public void listen(Listener listener) {
        listeners.add(listener);
    }

    /** Saves after each epoch, at {@link #stop}, and in between once {@code interval} has gone by since the last time. */
    public void saveTo(CheckpointFolder checkpoints, Duration interval) {
        this.checkpoints = checkpoints;
        this.interval = interval.toNanos();
    }

    /** Steps of an epoch. */
    public int stepsPerEpoch() {
        return batches.batchesPerEpoch();
    }

    /** Steps of the whole training. */
    public long totalSteps() {
        return (long) options.epochs() * stepsPerEpoch();
    }

    /** Steps done. */
    public long steps() {
        return trainer.steps();
    }

    public TrainingOptions options() {
        return options;
    }

    public Network network() {
        return network;
    }

    public History history() {
        return history;
    }

    /** Of the last epoch's end in this run; null before the first, or without a test set. */
    public Evaluation evaluation() {
        return evaluation;
    }

    /**
     * Trains to the end of the last epoch, or until {@link #stop}.
     *
     * @return whether it came to the end
     * @throws dev.sextant.SextantException if the loss is no longer a number, naming the step; what was saved stays as it is
     * @throws IOException if a picture does not decode or a checkpoint cannot be written
     */
    public boolean run() throws IOException {
        return run(Long.MAX_VALUE);
    }

    /** As {@link #run()}, for at most {@code steps} more steps. */
    public boolean run(long steps) throws IOException {
        window.begin();
        for (long done = 0; done < steps && trainer.steps() < totalSteps() && !isStopping; done++) {
            step();
            if (trainer.steps() % stepsPerEpoch() == 0) {
                endEpoch();
                save();
                window.begin();
            } else if (checkpoints != null && System.nanoTime() - lastSaved > interval) {
                save();
                window.begin();
            }
        }
        if (isStopping && trainer.steps() % stepsPerEpoch() != 0) save();
        return trainer.steps() >= totalSteps();
    }

    /** Lets {@link #run} save and return after the step that is going on. */
    public void stop() {
        isStopping = true;
    }

    private void step() throws IOException {
        int count = batches.next(trainer.images(), trainer.targets());
        double rate = options.schedule().rate(options.rate(), trainer.steps(), totalSteps());
        var result = trainer.step(rate);
        int right = right(trainer.targets(), trainer.logits(), count);
        epoch = epoch.and(result.loss(), right);
        var step = new Step(trainer.steps(), result.loss(), (double) right / count, rate, result.gradientNorm());
        for (var listener : listeners) listener.step(step);
        var point = window.add(step);
        if (point == null) return;
        history = history.with(point);
        for (var listener : listeners) listener.point(point);
    }

    /** How many rows have their largest values at the same place. */
    private static int right(MemorySegment targets, Tensor logits, int count) {
        int right = 0, classes = logits.shape().dim(1);
        var outputs = logits.data();
        for (int i = 0; i < count; i++) {
            if (largest(targets, i, classes) == largest(outputs, i, classes)) right++;
        }
        return right;
    }

    private static int largest(MemorySegment rows, int row, int classes) {
        int best = 0;
        for (int c = 1; c < classes; c++) {
            if (rows.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) row * classes + c)
                > rows.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) row * classes + best)) best = c;
        }
        return best;
    }

    private void endEpoch() throws IOException {
        if (test != null) {
            var how = Evaluation.Options.of(network).withPrecision(options.precision())
                .withProgress(samples -> listeners.forEach(listener -> listener.evaluated(samples)));
            try (var model = model()) {
                evaluation = Evaluation.of(model, device, test, how);
            }
        }
        var over = new History.Epoch(history.epochs().size() + 1, trainer.steps(), epoch.loss() / epoch.steps(),
            (double) epoch.right() / (epoch.steps() * options.batch()), evaluation == null ? Double.NaN : evaluation.loss(),
            evaluation == null ? Double.NaN : evaluation.top1(), evaluation == null ? Double.NaN : evaluation.top5(), seconds());
        history = history.with(over);
        epoch = Snapshot.Sums.NONE;
        for (var listener : listeners) listener.epoch(over, evaluation);
    }

    private void save() throws IOException {
        if (checkpoints == null) return;
        checkpoints.write(snapshot(), network);
        lastSaved = System.nanoTime();
        for (var listener : listeners) listener.saved(trainer.steps());
    }

    private double seconds() {
        return before + (System.nanoTime() - begin) / 1e9;
    }

    /** All that is needed to go on from here. */
    public Snapshot snapshot() {
        return new Snapshot(network.name(), trainer.parameters(), trainer.moments(), trainer.steps(), options, epoch, history,
            seconds());
    }

    /** A copy for inference, of what was learnt up to now; to be closed by the caller. */
    public Model model() {
        return trainer.model();
    }

    /** What the last step's gradients were, by key. */
    public Map<String, Tensor> gradients() {
        return trainer.gradients();
    }

    /**
     * Writes the weights alone, with notes on how they were made, as {@link CheckpointFolder#WEIGHTS} has them.
     *
     * @param bits of each number: 32, or 16 or 8 for a smaller file; with 8, weights have a scale for each output channel, and what has
     *     one dimension stays float32
     */
    public void writeWeights(Path file, Map<String, String> notes, int bits) throws IOException {
        var snapshot = snapshot();
        var metadata = new TreeMap<>(snapshot.notes(network));
        metadata.putAll(notes);
        switch (bits) {
            case 32 -> Safetensors.write(file, snapshot.parameters(), metadata);
            case 16 -> Safetensors.writeHalf(file, snapshot.parameters(), metadata);
            case 8 -> Safetensors.writeBytes(file, snapshot.parameters(), metadata);
            default -> throw new IllegalArgumentException("weights: expects 32, 16 or 8 bits, found " + bits);
        }
    }

    /** The data that it learns from. */
    public Dataset data() {
        return data;
    }

    @Override
    public void close() {
        batches.close();
        trainer.close();
    }

    /** Sums over a few steps. */
    private static final class Window {
        private final long length;
        private final int batch;
        private double loss, accuracy, gradientNorm;
        private int count;
        private long spent, start;

        Window(long length, int batch) {
            this.length = length;
            this.batch = batch;
        }

        /** Time runs from here again. */
        void begin() {
            start = System.nanoTime();
        }

        /** The mean, where {@code step} ends a window; else null. */
        History.Point add(Step step) {
            loss += step.loss();
            accuracy += step.accuracy();
            gradientNorm += step.gradientNorm();
            count++;
            long now = System.nanoTime();
            spent += now - start;
            start = now;
            if (step.step() % length != 0) return null;
            var point = new History.Point(step.step(), loss / count, accuracy / count, step.rate(), gradientNorm / count,
                count * (double) batch / spent * 1e9);
            loss = accuracy = gradientNorm = 0;
            count = 0;
            spent = 0;
            return point;
        }
    }
}
