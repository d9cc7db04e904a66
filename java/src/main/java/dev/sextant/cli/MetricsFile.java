// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.train.Evaluation;
import dev.sextant.train.History;
import dev.sextant.train.Training;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.core.JsonGenerator;

/** What a training measures, a JSON object a line: {@code "kind":"steps"} for a few steps' means, {@code "epoch"} for an epoch. */
final class MetricsFile implements Training.Listener, AutoCloseable {
    private static final Pattern STEP = Pattern.compile("\"step\":(\\d+)");
    private static final int DIGITS = 8;

    private final BufferedWriter out;
    private final int stepsPerEpoch;
    private double rate;

    private MetricsFile(BufferedWriter out, int stepsPerEpoch) {
        this.out = out;
        this.stepsPerEpoch = stepsPerEpoch;
    }

    /**
     * Begins a file anew, or goes on with one: lines of later steps than {@code steps} are dropped, for they will come again.
     *
     * @param steps done before
     */
    static MetricsFile open(Path file, long steps, int stepsPerEpoch) throws IOException {
        var kept = List.<String>of();
        if (steps > 0 && Files.exists(file)) {
            kept = Files.readAllLines(file).stream().filter(line -> {
                var step = STEP.matcher(line);
                return step.find() && Long.parseLong(step.group(1)) <= steps;
            }).toList();
        }
        var out = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
        var metrics = new MetricsFile(out, stepsPerEpoch);
        for (var line : kept) metrics.write(line);
        return metrics;
    }

    @Override
    public void point(History.Point point) throws IOException {
        rate = point.rate();
        write(Json.line(json -> {
            json.writeStringProperty("kind", "steps");
            json.writeNumberProperty("step", point.step());
            number(json, "epoch", (double) point.step() / stepsPerEpoch);
            number(json, "loss", point.loss());
            number(json, "accuracy", point.accuracy());
            number(json, "rate", point.rate());
            number(json, "gradient_norm", point.gradientNorm());
            number(json, "images_per_second", point.imagesPerSecond());
        }));
    }

    @Override
    public void epoch(History.Epoch epoch, Evaluation evaluation) throws IOException {
        write(Json.line(json -> {
            json.writeStringProperty("kind", "epoch");
            json.writeNumberProperty("step", epoch.step());
            json.writeNumberProperty("epoch", epoch.epoch());
            number(json, "loss", epoch.loss());
            number(json, "accuracy", epoch.accuracy());
            number(json, "rate", rate);
            if (evaluation != null) {
                number(json, "test_loss", epoch.testLoss());
                number(json, "top1", epoch.top1());
                number(json, "top5", epoch.top5());
            }
            number(json, "seconds", epoch.seconds());
        }));
    }

    private static void number(JsonGenerator json, String name, double value) {
        json.writeNumberProperty(name, Json.round(value, DIGITS));
    }

    /** Each line at once: who follows the file sees it, and a kill loses none. */
    private void write(String line) throws IOException {
        out.write(line);
        out.newLine();
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
