// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a training went up to now.
 *
 * @param points means of so many steps each that a whole training has about {@value #POINTS}, in order
 * @param epochs one for each that is over
 */
public record History(List<Point> points, List<Epoch> epochs) {
    /** How many points a training of enough steps has. */
    public static final int POINTS = 500;

    static final History EMPTY = new History(List.of(), List.of());

    private static final String POINTS_KEY = "history.points", EPOCHS_KEY = "history.epochs";
    private static final int POINT = 6, EPOCH = 8;

    public History {
        points = List.copyOf(points);
        epochs = List.copyOf(epochs);
    }

    /**
     * The mean of a few steps.
     *
     * @param step how many steps there had been at its end
     * @param loss of the batches as they were trained on: augmented, labels smoothed, with the weight of auxiliary heads
     * @param accuracy the share of images of these batches whose likeliest class had the largest output
     * @param rate the last step's learning rate
     * @param gradientNorm of all gradients as one vector, before any clipping
     * @param imagesPerSecond evaluations and checkpoints left out
     */
    public record Point(long step, double loss, double accuracy, double rate, double gradientNorm, double imagesPerSecond) {}

    /**
     * A whole epoch.
     *
     * @param epoch from 1
     * @param step how many steps there had been at its end
     * @param loss the mean of its steps'
     * @param accuracy the mean of its steps'
     * @param testLoss on the test set, NaN without one
     * @param top1 on the test set, NaN without one
     * @param top5 on the test set, NaN without one
     * @param seconds from the training's begin, those before it was resumed included
     */
    public record Epoch(int epoch, long step, double loss, double accuracy, double testLoss, double top1, double top5,
        double seconds) {}

    /** How many steps make a point. */
    static long steps(long total) {
        return Math.max(1, total / POINTS);
    }

    History with(Point point) {
        var longer = new ArrayList<>(points);
        longer.add(point);
        return new History(longer, epochs);
    }

    History with(Epoch epoch) {
        var longer = new ArrayList<>(epochs);
        longer.add(epoch);
        return new History(points, longer);
    }

    /** As tensors of a checkpoint, a row for each point and epoch, in float32. */
    Map<String, Tensor> toTensors() {
        var tensors = new LinkedHashMap<String, Tensor>();
        if (!points.isEmpty()) {
            var values = new float[points.size() * POINT];
            int at = 0;
            for (var p : points) {
                at = put(values, at, p.step(), p.loss(), p.accuracy(), p.rate(), p.gradientNorm(), p.imagesPerSecond());
            }
            tensors.put(POINTS_KEY, Tensor.of(Shape.of(points.size(), POINT), values));
        }
        if (!epochs.isEmpty()) {
            var values = new float[epochs.size() * EPOCH];
            int at = 0;
            for (var e : epochs) {
                at = put(values, at, e.epoch(), e.step(), e.loss(), e.accuracy(), e.testLoss(), e.top1(), e.top5(), e.seconds());
            }
            tensors.put(EPOCHS_KEY, Tensor.of(Shape.of(epochs.size(), EPOCH), values));
        }
        return tensors;
    }

    private static int put(float[] values, int at, double... row) {
        for (double value : row) values[at++] = (float) value;
        return at;
    }

    static boolean isKey(String key) {
        return key.equals(POINTS_KEY) || key.equals(EPOCHS_KEY);
    }

    /** The reverse of {@link #toTensors}. */
    static History of(Map<String, Tensor> tensors) {
        var points = new ArrayList<Point>();
        for (var r : rows(tensors.get(POINTS_KEY), POINT)) points.add(new Point((long) r[0], r[1], r[2], r[3], r[4], r[5]));
        var epochs = new ArrayList<Epoch>();
        for (var r : rows(tensors.get(EPOCHS_KEY), EPOCH)) {
            epochs.add(new Epoch((int) r[0], (long) r[1], r[2], r[3], r[4], r[5], r[6], r[7]));
        }
        return new History(points, epochs);
    }

    private static List<float[]> rows(Tensor tensor, int width) {
        if (tensor == null) return List.of();
        if (tensor.shape().rank() != 2 || tensor.shape().dim(1) != width) {
            throw new IllegalArgumentException("history: expects rows of " + width + " numbers, found " + tensor.shape());
        }
        var rows = new ArrayList<float[]>();
        for (int i = 0; i < tensor.shape().dim(0); i++) rows.add(tensor.slice(i).toArray());
        return rows;
    }
}
