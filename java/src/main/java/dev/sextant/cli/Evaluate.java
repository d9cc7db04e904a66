// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.data.Dataset;
import dev.sextant.models.BuiltIn;
import dev.sextant.train.Evaluation;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sextant evaluate}: how often trained weights are right. */
@Command(
    name = "evaluate",
    description = {
        "Look at all test pictures of a data set and count how often the network is right.",
        "",
        "Pictures are prepared as classify prepares them. top-5: the right class is among the five likeliest; loss: the mean of "
            + "-log of the probability that the right class got."
    },
    footer = {
        "  sextant evaluate lenet5 mnist",
        "  sextant evaluate resnet20 cifar10 --weights run1/weights.safetensors --precision bf16 --json"
    })
final class Evaluate implements Callable<Integer> {
    private static final int MOST_CLASSES = 100;

    @Spec
    private CommandSpec spec;

    @Mixin
    private DataPlace place;

    @Option(names = "--weights", paramLabel = "F",
        description = "Its trained parameters, a safetensors file or .pth; if not given the built-in ones, of lenet5 (digits) and "
            + "resnet20 (CIFAR-10).")
    private Path weights;

    private Integer batch;

    @Option(names = "--json", description = "Print one JSON object; with the confusion matrix, for up to " + MOST_CLASSES
        + " classes.")
    private boolean json;

    @Mixin
    private RunOptions run;

    @Option(names = "--batch", paramLabel = "B", description = "Pictures in one run; as many as suit the network if not given.")
    void batch(int batch) {
        if (batch < 1) throw new ParameterException(spec.commandLine(), "--batch: expects at least 1, found " + batch);
        this.batch = batch;
    }

    @Override
    public Integer call() throws IOException {
        if (weights == null && !BuiltIn.has(place.network())) {
            throw new ParameterException(spec.commandLine(), "expects --weights F, the trained parameters of "
                + place.network().name() + " as a safetensors file or .pth; none are built in");
        }
        try (var model = Pretrained.load(place.network(), weights, null); var device = run.device()) {
            var data = place.open(Dataset.Split.TEST);
            var options = Evaluation.Options.of(model.network()).withPrecision(run.precision());
            if (batch != null) options = options.withBatch(batch);
            long start = System.nanoTime();
            var evaluation = Evaluation.of(model, device, data, options);
            double seconds = (System.nanoTime() - start) / 1e9;
            var out = spec.commandLine().getOut();
            if (json) out.println(json(model, device, evaluation, seconds));
            else print(device, evaluation, seconds, out);
            out.flush();
        }
        return 0;
    }

    private void print(Device device, Evaluation evaluation, double seconds, PrintWriter out) {
        out.println(place.network().name() + " on " + place.name() + " (" + run.on(device) + "): " + evaluation + ", "
            + Table.number(evaluation.count() / seconds) + " images/s");
        int classes = evaluation.labels().size();
        if (classes > MOST_CLASSES) return;
        out.println();
        var table = new Table("CLASS", ">SAMPLES", ">RIGHT", "MOST OFTEN TAKEN FOR");
        for (int label = 0; label < classes; label++) {
            if (evaluation.count(label) == 0) continue;
            int other = -1;
            for (int c = 0; c < classes; c++) {
                int most = other < 0 ? 0 : evaluation.confusion(label, other);
                if (c != label && evaluation.confusion(label, c) > most) other = c;
            }
            table.add(evaluation.labels().name(label), Table.count(evaluation.count(label)),
                String.format(Locale.ROOT, "%.2f %%", 100 * evaluation.recall(label)),
                other < 0 ? "" : evaluation.labels().name(other) + " (" + evaluation.confusion(label, other) + ")");
        }
        table.print(out);
    }

    private String json(Model model, Device device, Evaluation evaluation, double seconds) {
        return Json.line(json -> {
            json.writeStringProperty("model", model.network().name());
            json.writeStringProperty("data", place.name());
            json.writeNumberProperty("samples", evaluation.count());
            json.writeNumberProperty("top1", Json.round(evaluation.top1(), 8));
            json.writeNumberProperty("top5", Json.round(evaluation.top5(), 8));
            json.writeNumberProperty("loss", Json.round(evaluation.loss(), 8));
            json.writeStringProperty("device", device.info().name());
            json.writeNumberProperty("threads", device.info().threads());
            json.writeStringProperty("precision", run.precision().toString());
            json.writeNumberProperty("images_per_second", Json.round(evaluation.count() / seconds, 3));
            json.writeStringProperty("isa", device.info().isaName());
            json.writeStringProperty("version", Version.current());
            int classes = evaluation.labels().size();
            if (classes > MOST_CLASSES) return;
            json.writeName("labels");
            json.writeStartArray();
            for (var name : evaluation.labels().names()) json.writeString(name);
            json.writeEndArray();
            json.writeName("confusion");
            json.writeStartArray();
            for (int label = 0; label < classes; label++) {
                json.writeStartArray();
                for (int c = 0; c < classes; c++) json.writeNumber(evaluation.confusion(label, c));
                json.writeEndArray();
            }
            json.writeEndArray();
        });
    }
}
