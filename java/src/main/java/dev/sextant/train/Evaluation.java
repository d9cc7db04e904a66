// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.Predictor;
import dev.sextant.SextantException;
import dev.sextant.data.Batches;
import dev.sextant.data.Dataset;
import dev.sextant.image.Labels;
import dev.sextant.models.Network;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.function.IntConsumer;

/** How well a model does on a data set. Immutable. */
public final class Evaluation {
    private static final int TOP = 5;
    private static final int LEAST_BATCH = 8, LARGEST_BATCH = 256;
    /** Numbers of an input batch: enough to keep the kernels busy. */
    private static final long NUMBERS = 1 << 22;

    private final Labels labels;
    private final int count;
    private final long[] ranks;
    private final double lossSum;
    private final int[][] confusion;
    private final List<Mistake> mistakes;

    /**
     * A picture that was taken for something else.
     *
     * @param sample which of the data set
     * @param label its class
     * @param predicted what the model took it for
     * @param probability that the model gave to {@code predicted}
     */
    public record Mistake(int sample, int label, int predicted, double probability) {}

    /**
     * How a model is run.
     *
     * @param batch images in one run
     * @param precision how it computes
     * @param mistakes how many of the most confident mistakes to keep
     * @param progress is told how many samples are done, after each batch
     */
    public record Options(int batch, Precision precision, int mistakes, IntConsumer progress) {
        public Options {
            if (batch < 1) throw new IllegalArgumentException("evaluation: expects a batch of at least 1, found " + batch);
            if (mistakes < 0) throw new IllegalArgumentException("evaluation: expects 0 mistakes or more, found " + mistakes);
        }

        /** A batch that suits the network's input, float32, and two dozen mistakes. */
        public static Options of(Network network) {
            int batch = Math.clamp(NUMBERS / network.input().elements(), LEAST_BATCH, LARGEST_BATCH);
            return new Options(batch, Precision.FP32, 24, _ -> { });
        }

        public Options withBatch(int batch) {
            return new Options(batch, precision, mistakes, progress);
        }

        public Options withPrecision(Precision precision) {
            return new Options(batch, precision, mistakes, progress);
        }

        public Options withProgress(IntConsumer progress) {
            return new Options(batch, precision, mistakes, progress);
        }
    }

    private Evaluation(Labels labels, Sums sums, List<Mistake> mistakes) {
        this.labels = labels;
        this.count = sums.count;
        this.ranks = sums.ranks;
        this.lossSum = sums.loss;
        this.confusion = sums.confusion;
        this.mistakes = List.copyOf(mistakes);
    }

    /**
     * Runs {@code model} on all of {@code data}.
     *
     * @throws IllegalArgumentException if the two differ in how many classes there are
     * @throws SextantException if an output is no number
     * @throws IOException if a picture cannot be read
     */
    public static Evaluation of(Model model, Device device, Dataset data, Options options) throws IOException {
        var network = model.network();
        requireClasses(network, data);
        int classes = network.labels().size();
        int batch = Math.min(options.batch(), data.size());
        var sums = new Sums(classes);
        // The least confident of those kept comes first, to be replaced; of equals the later sample.
        var kept = new PriorityQueue<>(Comparator.comparingDouble(Mistake::probability)
            .thenComparing(Comparator.comparingInt(Mistake::sample).reversed()));
        var input = network.input().prepend(batch);
        try (var predictor = model.predictor(device, Predictor.Options.of(input).withPrecision(options.precision()));
                var batches = Batches.evaluation(data, network.preprocessing(), batch, Batches.threads());
                var arena = Arena.ofConfined()) {
            var images = arena.allocate(input.elements() * Float.BYTES, 64);
            var targets = arena.allocate((long) batch * classes * Float.BYTES, 64);
            var logits = arena.allocate((long) batch * classes * Float.BYTES, 64);
            for (int count; (count = batches.next(images, targets)) > 0; ) {
                predictor.predict(images, logits);
                for (int i = 0; i < count; i++) {
                    int sample = batches.sample(i);
                    var mistake = sums.add(row(logits, i, classes), data, sample);
                    if (mistake == null) continue;
                    kept.add(mistake);
                    if (kept.size() > options.mistakes()) kept.remove();
                }
                options.progress().accept(sums.count);
            }
        }
        return new Evaluation(network.labels(), sums, kept.stream().sorted(kept.comparator().reversed()).toList());
    }

    /** @throws IllegalArgumentException if {@code data} has not as many classes as {@code network} */
    static void requireClasses(Network network, Dataset data) {
        if (data.labels().size() != network.labels().size()) {
            throw new IllegalArgumentException(data.name() + ": expects the " + network.labels().size() + " classes of "
                + network.name() + ", found " + data.labels().size());
        }
    }

    private static float[] row(MemorySegment logits, int i, int classes) {
        long bytes = (long) classes * Float.BYTES;
        return logits.asSlice(i * bytes, bytes).toArray(ValueLayout.JAVA_FLOAT);
    }

    /** How often each thing happened, up to now. */
    private static final class Sums {
        final int[][] confusion;
        final long[] ranks = new long[TOP];
        double loss;
        int count;

        Sums(int classes) {
            confusion = new int[classes][classes];
        }

        /** Counts a sample; returns its mistake, if it is one, else null. */
        Mistake add(float[] logits, Dataset data, int sample) {
            int label = data.label(sample), predicted = 0, rank = 0;
            double largest = Double.NEGATIVE_INFINITY, sum = 0;
            for (int c = 0; c < logits.length; c++) {
                if (!Float.isFinite(logits[c])) {
                    throw new SextantException("evaluation: an output for sample " + sample + " of " + data.name() + " is "
                        + logits[c]);
                }
                if (logits[c] > largest) {
                    largest = logits[c];
                    predicted = c;
                }
                // Of equal outputs the first class counts as the larger one, as in predicted.
                if (logits[c] > logits[label] || logits[c] == logits[label] && c < label) rank++;
            }
            for (float logit : logits) sum += Math.exp(logit - largest);
            loss += Math.log(sum) + largest - logits[label];
            if (rank < TOP) ranks[rank]++;
            confusion[label][predicted]++;
            count++;
            return predicted == label ? null : new Mistake(sample, label, predicted, 1 / sum);
        }
    }

    /** The names of the classes. */
    public Labels labels() {
        return labels;
    }

    /** How many samples were looked at. */
    public int count() {
        return count;
    }

    /** The share of samples whose class had the largest output. */
    public double top1() {
        return top(1);
    }

    /** The share of samples whose class was among the five largest outputs. */
    public double top5() {
        return top(TOP);
    }

    private double top(int k) {
        long right = 0;
        for (int rank = 0; rank < k; rank++) right += ranks[rank];
        return (double) right / count;
    }

    /** The mean of {@code -log} of the probability that the samples' own classes got. */
    public double loss() {
        return lossSum / count;
    }

    /** How many samples of class {@code label} were taken for class {@code predicted}. */
    public int confusion(int label, int predicted) {
        return confusion[label][predicted];
    }

    /** How many samples class {@code label} has. */
    public int count(int label) {
        int sum = 0;
        for (int found : confusion[label]) sum += found;
        return sum;
    }

    /** The share of class {@code label} that was recognised; NaN where there are no samples of it. */
    public double recall(int label) {
        return (double) confusion[label][label] / count(label);
    }

    /** The mistakes that the model was surest of, the surest first. */
    public List<Mistake> mistakes() {
        return mistakes;
    }

    /** A line such as {@code top-1 99.12 %, top-5 100.00 %, loss 0.0271, 10,000 samples}. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "top-1 %.2f %%, top-5 %.2f %%, loss %.4f, %,d samples", 100 * top1(), 100 * top5(),
            loss(), count);
    }
}
