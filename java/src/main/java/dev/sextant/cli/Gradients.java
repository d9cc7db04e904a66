// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Trainer;
import dev.sextant.data.Batches;
import dev.sextant.data.Dataset;
import dev.sextant.models.Network;
import dev.sextant.models.ResNet;
import dev.sextant.nn.BatchNorm;
import dev.sextant.nn.Nn;
import dev.sextant.train.Initialisation;
import dev.sextant.train.Optimizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sextant gradients}: what depth does to gradients, without shortcuts and with them. */
@Command(
    name = "gradients",
    description = {
        "Draw how long the gradient of each layer is, in plain and in residual networks of the same depth.",
        "",
        "Trains both for a few hundred steps on CIFAR-10 and writes gradients.png and gradients.csv: the length of the gradient of each "
            + "convolution's weights, before anything is learnt and meant over the last " + LayerGradients.MEANT + " steps. The chapter "
            + "docs/gradients.md says what can be seen in it."
    },
    footer = {
        "  sextant gradients --data cifar10",
        "  sextant gradients --data cifar10 --no-norm --output without-norm"
    })
final class Gradients implements Callable<Integer> {
    private static final String VARIABLE = "SEXTANT_DATA", CIFAR = "cifar10";
    /** Without norms the sums of a residual network are large at first: at a higher rate, or unclipped, its units die. */
    private static final double RATE = 0.1, RATE_WITHOUT_NORM = 0.01, LARGEST_NORM_WITHOUT_NORM = 1;
    private static final double MOMENTUM = 0.9, WEIGHT_DECAY = 1e-4;

    @Spec
    private CommandSpec spec;

    private List<Integer> depths;

    @Option(names = "--data", paramLabel = "DIR",
        description = "CIFAR-10, or another set of pictures; if not given the folder " + CIFAR + " where the variable " + VARIABLE
            + " points, else random pictures.")
    private Path data;

    private int steps, batch;

    @Option(names = "--lr", paramLabel = "R", description = "Learning rate (default: " + RATE + ", without norms " + RATE_WITHOUT_NORM + ").")
    private Double rate;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of all random numbers (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--no-norm", description = "Leave the batch norms out, as before 2015; then steps are clipped to " + LARGEST_NORM_WITHOUT_NORM + ".")
    private boolean isWithoutNorm;

    @Option(names = "--init", paramLabel = "I", converter = InitialisationConverter.class, description = "First weights: he, xavier or lecun (default: he, without norms xavier).")
    private Initialisation initialisation;

    @Option(names = "--output", paramLabel = "DIR", defaultValue = ".", description = "Where both files go (default: this folder).")
    private Path output;

    @Mixin
    private DeviceOptions on;

    @Option(names = "--depth", split = ",", paramLabel = "D", defaultValue = "20,56",
        description = "Layers with weights, 6n + 2; several with commas between (default: ${DEFAULT-VALUE}).")
    void depths(List<Integer> depths) {
        for (int depth : depths) networks(depth);
        this.depths = depths;
    }

    @Option(names = "--steps", paramLabel = "N", defaultValue = "300", description = "Steps of training (default: ${DEFAULT-VALUE}).")
    void steps(int steps) {
        if (steps < 1) throw wrong("--steps: expects at least 1, found " + steps);
        this.steps = steps;
    }

    @Option(names = "--batch", paramLabel = "B", defaultValue = "64", description = "Pictures in a step (default: ${DEFAULT-VALUE}).")
    void batch(int batch) {
        if (batch < 2) throw wrong("--batch: expects at least 2, found " + batch);
        this.batch = batch;
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private List<Network> networks(int depth) {
        try {
            return List.of(ResNet.cifar(depth, false), ResNet.cifar(depth, true));
        } catch (IllegalArgumentException e) {
            throw wrong("--" + e.getMessage());
        }
    }

    @Override
    public Integer call() throws IOException {
        if (rate == null) rate = isWithoutNorm ? RATE_WITHOUT_NORM : RATE;
        if (!(rate > 0) || rate.isInfinite()) throw wrong("--lr: expects a number over 0, found " + rate);
        if (initialisation == null) initialisation = isWithoutNorm ? Initialisation.XAVIER : Initialisation.HE;
        Files.createDirectories(output);
        var pictures = dataset();
        var out = spec.commandLine().getOut();
        var measured = new ArrayList<LayerGradients>();
        try (var device = on.device()) {
            out.println(String.format(Locale.ROOT, "sextant gradients%s --steps %d --batch %d --lr %s --seed %d%s --init %s %s",
                source(pictures), steps, batch, rate, seed, isWithoutNorm ? " --no-norm" : "",
                word(initialisation), DeviceOptions.words(device.info())));
            var table = new Table("NETWORK", ">FIRST LOSS", ">LAST LOSS", ">FIRST LAYER'S GRADIENT", ">LAST LAYER'S", ">RATIO");
            table.reserve(0, "resnet110".length());
            for (int depth : depths) {
                for (var network : networks(depth)) {
                    var gradients = measure(network, device, pictures);
                    measured.add(gradients);
                    double first = gradients.last()[0], last = gradients.last()[gradients.last().length - 1];
                    table.add(gradients.network(), number(gradients.firstLoss()), number(gradients.lastLoss()), number(first), number(last),
                        number(first / last)).print(out);
                }
            }
        }
        var csv = output.resolve("gradients.csv");
        Files.write(csv, lines(measured));
        var png = output.resolve("gradients.png");
        GradientChart.write(png, "Gradients after " + steps + " steps, " + (isWithoutNorm ? "no norms" : "batch norm") + ", first weights "
            + initialisation.name().charAt(0) + initialisation.name().substring(1).toLowerCase(Locale.ROOT), measured);
        out.println(csv + ", " + png);
        return 0;
    }

    /** Null for none. */
    private Dataset dataset() throws IOException {
        var place = data;
        if (place == null && System.getenv(VARIABLE) != null && Files.isDirectory(Path.of(System.getenv(VARIABLE), CIFAR))) {
            place = Path.of(System.getenv(VARIABLE), CIFAR);
        }
        if (place != null) return Dataset.open(place, Dataset.Split.TRAIN);
        spec.commandLine().getErr().println("sextant: no data set, see --data: the pictures are random numbers, of which nothing can be learnt");
        return null;
    }

    /** As an option: the folder that was asked for, or the place where it was found. */
    private String source(Dataset pictures) {
        return pictures == null ? "" : " --data " + (data == null ? pictures.name() : data);
    }

    private LayerGradients measure(Network described, Device device, Dataset pictures) throws IOException {
        var normed = isWithoutNorm
            ? described.with(described.body().replacingLeaves(leaf -> leaf instanceof BatchNorm ? Nn.identity() : leaf)) : described;
        var network = pictures == null || pictures.labels().size() == normed.labels().size() ? normed : normed.classes(pictures.labels().size());
        var optimizer = Optimizer.Sgd.of(MOMENTUM, WEIGHT_DECAY).withLargestNorm(isWithoutNorm ? LARGEST_NORM_WITHOUT_NORM : 0);
        var options = Trainer.Options.of(batch, optimizer).withSeed(seed);
        if (pictures == null) {
            var random = new SplittableRandom(seed);
            return measure(network, device, options, (images, targets) -> fill(images, targets, network.labels().size(), random));
        }
        try (var batches = Batches.training(pictures, network.preprocessing(), batch, List.of(), seed, 0, Batches.threads())) {
            return measure(network, device, options, batches::next);
        }
    }

    private LayerGradients measure(Network network, Device device, Trainer.Options options, LayerGradients.Source source) throws IOException {
        return LayerGradients.of(network, device, initialisation, options, rate, steps, source);
    }

    private static void fill(MemorySegment images, MemorySegment targets, int classes, SplittableRandom random) {
        for (long i = 0; i < images.byteSize() / Float.BYTES; i++) {
            images.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        targets.fill((byte) 0);
        for (long row = 0; row < targets.byteSize() / Float.BYTES; row += classes) {
            targets.setAtIndex(ValueLayout.JAVA_FLOAT, row + random.nextInt(classes), 1);
        }
    }

    private static List<String> lines(List<LayerGradients> measured) {
        var lines = new ArrayList<String>();
        lines.add("network,layer,weights,first_step,last_steps");
        for (var gradients : measured) {
            for (int i = 0; i < gradients.keys().size(); i++) {
                lines.add(String.format(Locale.ROOT, "%s,%d,%s,%.6e,%.6e", gradients.network(), i + 1, gradients.keys().get(i),
                    gradients.first()[i], gradients.last()[i]));
            }
        }
        return lines;
    }

    private static String number(double value) {
        return value != 0 && Math.abs(value) < 1e-3 ? String.format(Locale.ROOT, "%.1e", value) : Table.number(value);
    }

    static final class InitialisationConverter implements ITypeConverter<Initialisation> {
        @Override
        public Initialisation convert(String text) throws Exception {
            return Failure.asUsage(() -> Arrays.stream(Initialisation.values()).filter(i -> word(i).equals(text)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("expects he, xavier or lecun, found " + text)));
        }
    }

    private static String word(Initialisation initialisation) {
        return initialisation.name().toLowerCase(Locale.ROOT);
    }
}
