// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.Trainer;
import dev.sextant.models.Network;
import dev.sextant.nn.Layers;
import dev.sextant.train.Initialisation;
import dev.sextant.train.Optimizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant bench}: how fast networks run here. */
@Command(
    name = "bench",
    description = {
        "Measure how fast networks run, on random weights (of an ONNX file, its own) and a random input.",
        "",
        "A run is one forward pass of the batch, from the input in memory to the outputs in memory, this machine's unless --resident; with "
            + "--train one step of training: "
            + "forward, loss, backward and stochastic gradient descent with momentum. Images a second come from the median run; a "
            + "multiply-add counts as 2 flops."
    },
    footer = {
        "  sextant bench resnet50 --batch 16 --threads 2",
        "  sextant bench alexnet vgg16 googlenet --batch 1,16 --seconds 2 --json",
        "  sextant bench resnet18 --batch 16 --train",
        "  sextant bench resnet50 --batch 256 --device cuda --precision bf16 --resident",
        "  sextant bench --onnx mobilenet.onnx --batch 1,8"
    })
final class Bench implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "M", converter = NetworkConverter.class,
        description = "Networks, of those that 'sextant models' lists.")
    private List<Network> networks = List.of();

    @Mixin
    private OnnxFile onnx;

    private List<Integer> batches;

    @Option(names = "--input", paramLabel = "CxHxW", converter = ShapeConverter.class,
        description = "Shape of one image; the network's own if not given.")
    private Shape input;

    private double seconds;

    @Option(names = "--train", description = "Measure steps of training instead of forward passes.")
    private boolean train;

    @Option(names = "--json", description = "Print one JSON object a measurement, each on its own line.")
    private boolean json;

    @Option(names = "--resident", description = "Keep input and output in the memory of the GPU: runs without copies.")
    private boolean resident;

    @Mixin
    private RunOptions run;

    @Option(names = "--batch", split = ",", paramLabel = "B", defaultValue = "1",
        description = "Images in one run; several sizes with commas between (default: ${DEFAULT-VALUE}).")
    void batches(List<Integer> batches) {
        for (int batch : batches) {
            if (batch < 1) throw new ParameterException(spec.commandLine(), "--batch: expects at least 1, found " + batch);
        }
        this.batches = batches;
    }

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "5",
        description = "How long to measure, after a warm-up (default: ${DEFAULT-VALUE}).")
    void seconds(double seconds) {
        if (!(seconds >= 0 && seconds <= 86_400)) throw new ParameterException(spec.commandLine(), "--seconds: expects 0 to 86400, found " + seconds);
        this.seconds = seconds;
    }

    @Override
    public Integer call() throws IOException {
        onnx.requireInPlaceOf(networks);
        var out = spec.commandLine().getOut();
        try (var device = run.device()) {
            var table = new Table("MODEL", ">BATCH", ">IMAGES/S", ">MS MEDIAN", ">MIN", ">P99", ">RUNS", ">GFLOP/IMAGE", ">GFLOP/S");
            for (var network : networks) table.reserve(0, network.name().length());
            if (!json) out.println(device.info().processor() + ", " + run.on(device));
            for (var network : networks) {
                try (var model = Model.random(network, 1)) {
                    measure(model, device, table);
                }
            }
            if (onnx.isGiven()) {
                try (var model = onnx.load()) {
                    measure(model, device, table);
                }
            }
        }
        return 0;
    }

    private void measure(Model model, Device device, Table table) {
        var out = spec.commandLine().getOut();
        for (int batch : batches) {
            var measured = train ? measureTraining(model.network(), device, batch) : measure(model, device, batch);
            if (json) {
                out.println(json(measured, device));
                out.flush();
            } else {
                measured.addTo(table).print(out);
            }
        }
    }

    private Measurement measure(Model model, Device device, int batch) {
        var image = input == null ? model.network().input() : input;
        try (var predictor = run.predictor(model, device, image.prepend(batch), resident); var arena = Arena.ofConfined()) {
            var src = arena.allocate(predictor.inputShape().elements() * Float.BYTES, 64);
            fill(src);
            var dst = arena.allocate(predictor.outputShape().elements() * Float.BYTES, 64);
            predictor.predict(src, dst); // stays there for runs without copies
            var timing = Timing.of(resident ? predictor::rerun : () -> predictor.predict(src, dst), seconds);
            return new Measurement(model.network().name(), batch, image, timing, Layers.inference(model.network().body(), image).flops());
        }
    }

    /** Steps whose rate is so small that the numbers stay what they are, random pictures and a class for each. */
    private Measurement measureTraining(Network network, Device device, int batch) {
        var sized = input == null ? network : network.at(input.dim(1), input.dim(2));
        var options = Trainer.Options.of(batch, Optimizer.Sgd.of(0.9, 1e-4)).withPrecision(run.precision());
        try (var trainer = new Trainer(sized, device, Initialisation.of(sized).parameters(sized, 1), options)) {
            int classes = sized.labels().size();
            fill(trainer.images());
            trainer.targets().fill((byte) 0);
            for (int i = 0; i < batch; i++) trainer.targets().setAtIndex(ValueLayout.JAVA_FLOAT, (long) i * classes + i % classes, 1);
            var timing = Timing.of(() -> trainer.step(1e-9), seconds);
            return new Measurement(network.name(), batch, sized.input(), timing, trainer.flops() / batch);
        }
    }

    private static void fill(MemorySegment images) {
        var random = new SplittableRandom(1);
        for (long i = 0; i < images.byteSize() / Float.BYTES; i++) {
            images.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-2, 2));
        }
    }

    /** @param flops of one image */
    private record Measurement(String model, int batch, Shape image, Timing timing, long flops) {
        double imagesPerSecond() {
            return batch / timing.milliseconds(0.5) * 1e3;
        }

        double gflopPerSecond() {
            return imagesPerSecond() * flops / 1e9;
        }

        Table addTo(Table table) {
            return table.add(model, batch, Table.number(imagesPerSecond()), Table.number(timing.milliseconds(0.5)),
                Table.number(timing.milliseconds(0)), Table.number(timing.milliseconds(0.99)), timing.runs(), Table.number(flops / 1e9),
                Table.number(gflopPerSecond()));
        }
    }

    private String json(Measurement m, Device device) {
        return Json.line(json -> {
            json.writeStringProperty("model", m.model());
            json.writeStringProperty("run", train ? "training step" : "forward");
            json.writeNumberProperty("batch", m.batch());
            json.writeStringProperty("device", device.info().name());
            json.writeBooleanProperty("resident", resident);
            json.writeNumberProperty("threads", device.info().threads());
            json.writeStringProperty("precision", run.precision().toString());
            json.writeNumberProperty("images_per_second", Json.round(m.imagesPerSecond(), 3));
            json.writeNumberProperty("ms_median", Json.round(m.timing().milliseconds(0.5), 4));
            json.writeNumberProperty("ms_min", Json.round(m.timing().milliseconds(0), 4));
            json.writeNumberProperty("ms_p99", Json.round(m.timing().milliseconds(0.99), 4));
            json.writeNumberProperty("gflop_per_image", Json.round(m.flops() / 1e9, 9));
            json.writeNumberProperty("gflop_per_second", Json.round(m.gflopPerSecond(), 3));
            json.writeNumberProperty("runs", m.timing().runs());
            json.writeStringProperty("input", m.image().prepend(m.batch()).toString());
            json.writeStringProperty("isa", device.info().isaName());
            json.writeStringProperty("processor", device.info().processor());
            json.writeStringProperty("version", Version.current());
        });
    }
}
