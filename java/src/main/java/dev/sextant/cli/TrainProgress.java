// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.train.Evaluation;
import dev.sextant.train.History;
import dev.sextant.train.Training;
import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Tells how a training goes: a row for each epoch, and in between a bar on a terminal, elsewhere a line now and then. Times left
 * count from the mean of this run.
 */
final class TrainProgress implements Training.Listener, AutoCloseable {
    private static final long LINE_NANOSECONDS = 30_000_000_000L;
    /** Of the bar's numbers: they should be readable. */
    private static final long MESSAGE_NANOSECONDS = 250_000_000L;

    private final Training training;
    private final PrintWriter out;
    private final boolean hasTerminal;
    private final Table table = new Table(">EPOCH", ">STEP", ">LOSS", ">RIGHT", ">TEST LOSS", ">TOP-1", ">TOP-5", ">RATE",
        ">IMAGES/S", ">LEFT");
    private final long firstStep, begin = System.nanoTime();
    private ProgressBar bar;
    private long lastTold = begin;
    private History.Point latest;
    /** Means of the bar's numbers, the latest steps weighing most. */
    private double loss = Double.NaN, accuracy = Double.NaN;
    private long epochBegin = begin, epochSteps;
    private double rate;

    TrainProgress(Training training, PrintWriter out, boolean hasTerminal) {
        this.training = training;
        this.out = out;
        this.hasTerminal = hasTerminal;
        firstStep = training.steps();
        // As wide as what may come, so that rows can be printed one by one.
        var widest = new String[] {"100/100", Table.count(training.totalSteps()), "0.00000", "100.00 %", "0.00000", "100.00 %",
            "100.00 %", "0.00000", "1,000,000", "0:00:00"};
        for (int i = 0; i < widest.length; i++) table.reserve(i, widest[i].length());
    }

    @Override
    public void step(Training.Step step) {
        loss = Double.isNaN(loss) ? step.loss() : 0.95 * loss + 0.05 * step.loss();
        accuracy = Double.isNaN(accuracy) ? step.accuracy() : 0.95 * accuracy + 0.05 * step.accuracy();
        rate = step.rate();
        epochSteps++;
        long now = System.nanoTime();
        if (hasTerminal) {
            tellOnBar(step, now);
        } else if (now - lastTold > LINE_NANOSECONDS) {
            lastTold = now;
            out.println(String.format(Locale.ROOT, "step %,d of %,d: loss %.4f, %.1f %% right, %s images/s, %s left", step.step(),
                training.totalSteps(), loss, 100 * accuracy, Table.number(imagesPerSecond(now)), time(left(step.step()))));
            out.flush();
        }
    }

    private void tellOnBar(Training.Step step, long now) {
        long done = (step.step() - 1) % training.stepsPerEpoch() + 1;
        if (bar == null) {
            bar = new ProgressBarBuilder().setTaskName("epoch " + ((step.step() - 1) / training.stepsPerEpoch() + 1) + "/"
                + training.options().epochs()).setInitialMax(training.stepsPerEpoch()).setUpdateIntervalMillis(200).hideEta()
                .setStyle(Bar.in(System.err.charset()) == Bar.BLOCKS ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII)
                .clearDisplayOnFinish().build();
        }
        bar.stepTo(done);
        if (now - lastTold > MESSAGE_NANOSECONDS) {
            lastTold = now;
            bar.setExtraMessage(String.format(Locale.ROOT, "%s left, %s images/s, loss %.3f, %.1f %% right",
                time(left(step.step())), Table.number(imagesPerSecond(now)), loss, 100 * accuracy));
        }
    }

    @Override
    public void point(History.Point point) {
        latest = point;
    }

    @Override
    public void evaluated(int samples) {
        if (bar != null) bar.setExtraMessage("testing, " + Table.count(samples) + " pictures");
    }

    @Override
    public void epoch(History.Epoch epoch, Evaluation evaluation) {
        clear();
        boolean tested = evaluation != null;
        table.add(epoch.epoch() + "/" + training.options().epochs(), Table.count(epoch.step()), Table.number(epoch.loss()),
            percent(epoch.accuracy()), tested ? Table.number(epoch.testLoss()) : "", tested ? percent(epoch.top1()) : "",
            tested ? percent(epoch.top5()) : "", Table.number(rate),
            latest == null ? "" : Table.number(latest.imagesPerSecond()), time(left(epoch.step()))).print(out);
        lastTold = epochBegin = System.nanoTime();
        epochSteps = 0;
    }

    private double imagesPerSecond(long now) {
        return epochSteps * (double) training.options().batch() / (now - epochBegin) * 1e9;
    }

    private double left(long step) {
        return (System.nanoTime() - begin) / 1e9 / Math.max(1, step - firstStep) * (training.totalSteps() - step);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    /** {@code 45 s}, {@code 3:05}, {@code 2:03:05}. */
    static String time(double seconds) {
        long whole = Math.round(seconds);
        if (whole < 60) return whole + " s";
        return whole < 3600 ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
            : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }

    @Override
    public void close() {
        clear();
    }

    /** Takes the bar away. */
    void clear() {
        if (bar != null) bar.close();
        bar = null;
    }
}
