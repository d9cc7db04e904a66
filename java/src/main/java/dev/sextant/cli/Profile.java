// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.models.Network;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant profile}: where a network's time goes, step by step, and how near the machine's best each step comes. */
@Command(
    name = "profile",
    description = {
        "Measure each step of a network: its time, how near it comes to what this machine reaches at best, which kernel does it.",
        "",
        "Random weights and a random input; times are medians. A multiply-add counts as 2 flops, those of the direct sum: Winograd kernels do "
            + "fewer and may exceed 100 %% of the peak. Bytes are a step's operands and weights, each once."
    },
    footer = {
        "  sextant profile resnet50 --batch 1 --threads 2 --html resnet50.html",
        "  sextant profile --onnx mobilenet.onnx"
    })
final class Profile implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "M", converter = NetworkConverter.class,
        description = "Network, one of those that 'sextant models' lists.")
    private Network network;

    @Mixin
    private OnnxFile onnx;

    private int batch, repeat;

    @Option(names = "--input", paramLabel = "CxHxW", converter = ShapeConverter.class,
        description = "Shape of one image; the network's own if not given.")
    private Shape input;

    @Option(names = "--html", paramLabel = "F", description = "Write a page with a roofline plot, a chart of the times and the table.")
    private Path html;

    @Option(names = "--json", description = "Print one JSON object instead of the table.")
    private boolean json;

    @Option(names = "--resident", description = "Keep input and output in the memory of the GPU: runs without copies.")
    private boolean resident;

    @Mixin
    private RunOptions run;

    @Option(names = "--batch", paramLabel = "B", defaultValue = "1", description = "Images in one run (default: ${DEFAULT-VALUE}).")
    void batch(int batch) {
        this.batch = positive("--batch", batch);
    }

    @Option(names = "--repeat", paramLabel = "N",
        description = "Runs to take the medians of; as many as two seconds allow if not given.")
    void repeat(int repeat) {
        this.repeat = positive("--repeat", repeat);
    }

    private int positive(String option, int value) {
        if (value < 1) throw new ParameterException(spec.commandLine(), option + ": expects at least 1, found " + value);
        return value;
    }

    @Override
    public Integer call() throws IOException {
        onnx.requireInPlaceOf(network == null ? List.of() : List.of(network));
        try (var device = run.device(); var model = onnx.isGiven() ? onnx.load() : Model.random(network, 1);
                var predictor = run.predictor(model, device, (input == null ? model.network().input() : input).prepend(batch), resident)) {
            var times = StepTimes.of(model.network().name(), predictor, run.precision(), device, repeat);
            if (html != null) Files.writeString(html, ProfilePage.of(times));
            var out = spec.commandLine().getOut();
            if (json) out.println(json(times));
            else print(times, out);
        }
        return 0;
    }

    private void print(StepTimes times, PrintWriter out) {
        out.println(times.model() + " on " + times.input() + ", " + run.on(times.device()) + ": medians of " + times.runs() + " runs on "
            + times.device().processor());
        out.println("at best " + ProfilePage.roofs(times));
        out.println();
        var bar = Bar.in(System.out.charset());
        var table = new Table(">", "STEP", "OPERATION", ">MS", ">SHARE", "", ">GFLOP/S", ">OF PEAK", ">MB", ">GB/S", "KERNEL");
        double longest = times.rows().stream().mapToDouble(StepTimes.Row::share).max().orElse(1);
        for (var row : times.rows()) {
            var step = row.step();
            table.add(row.number(), step.name(), row.operation(), Table.number(row.milliseconds()), Bar.percent(row.share()),
                bar.of(row.share() / longest / 2), row.computes() ? Table.number(row.gflopPerSecond()) : "-",
                row.computes() ? Bar.percent(row.ofPeak()) : "-", Table.number(step.bytes() / 1e6), Table.number(row.gbPerSecond()),
                step.implementation());
        }
        table.rule().add("", times.rows().size() + " steps", Table.number(times.imagesPerSecond()) + " images/s",
            Table.number(times.milliseconds()), Bar.percent(1), "", Table.number(times.gflopPerSecond()), Bar.percent(times.ofPeak()),
            Table.number(times.bytes() / 1e6), Table.number(times.gbPerSecond()));
        table.print(out);
        if (html != null) out.println("\nthe page is in " + html);
    }

    private String json(StepTimes times) {
        return Json.line(json -> {
            json.writeStringProperty("model", times.model());
            json.writeStringProperty("input", times.input().toString());
            json.writeNumberProperty("batch", times.batch());
            json.writeStringProperty("device", times.device().name());
            json.writeBooleanProperty("resident", resident);
            json.writeNumberProperty("threads", times.device().threads());
            json.writeStringProperty("precision", times.precision().toString());
            json.writeStringProperty("isa", times.device().isaName());
            json.writeStringProperty("processor", times.device().processor());
            json.writeStringProperty("version", Version.current());
            json.writeNumberProperty("runs", times.runs());
            json.writeObjectPropertyStart("peak");
            json.writeNumberProperty("fp32_gflop_per_second", Json.round(times.peak().fp32(), 2));
            json.writeNumberProperty("bf16_gflop_per_second", Json.round(times.peak().bf16(), 2));
            json.writeNumberProperty("int8_gop_per_second", Json.round(times.peak().int8(), 2));
            json.writeNumberProperty("gb_per_second", Json.round(times.peak().bandwidth(), 2));
            json.writeEndObject();
            json.writeNumberProperty("ms", Json.round(times.milliseconds(), 6));
            json.writeNumberProperty("images_per_second", Json.round(times.imagesPerSecond(), 3));
            json.writeNumberProperty("gflop_per_second", Json.round(times.gflopPerSecond(), 3));
            json.writeNumberProperty("of_peak", Json.round(times.ofPeak(), 6));
            json.writeArrayPropertyStart("steps");
            for (var row : times.rows()) {
                var step = row.step();
                json.writeStartObject();
                json.writeStringProperty("name", step.name());
                json.writeStringProperty("operation", row.operation());
                json.writeStringProperty("implementation", step.implementation());
                json.writeStringProperty("output", step.output().toString());
                json.writeNumberProperty("ms", Json.round(row.milliseconds(), 6));
                json.writeNumberProperty("share", Json.round(row.share(), 8));
                json.writeNumberProperty("flops", step.flops());
                json.writeNumberProperty("bytes", step.bytes());
                json.writeNumberProperty("weight_bytes", step.weightBytes());
                json.writeNumberProperty("gflop_per_second", Json.round(row.gflopPerSecond(), 3));
                json.writeNumberProperty("of_peak", Json.round(row.ofPeak(), 6));
                json.writeNumberProperty("gb_per_second", Json.round(row.gbPerSecond(), 3));
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }
}
