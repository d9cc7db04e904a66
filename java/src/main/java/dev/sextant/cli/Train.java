// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.data.Dataset;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.train.CheckpointFolder;
import dev.sextant.train.Evaluation;
import dev.sextant.train.History;
import dev.sextant.train.Snapshot;
import dev.sextant.train.Training;
import dev.sextant.train.TrainingOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sextant train}: from pictures with labels to a network that tells them apart. */
@Command(
    name = "train",
    description = {
        "Let a network learn from pictures with labels.",
        "",
        "What is not chosen comes from a recipe for the network; the whole command is printed first, so that anyone can do the "
            + "same again: same seed and threads give the same weights, bit for bit. After each epoch the test pictures are "
            + "looked at and, with --checkpoint, all is saved: whatever ends the process, --resume goes on as if nothing had "
            + "happened."
    },
    footer = {
        "  sextant train lenet5 mnist --output lenet5.safetensors --report lenet5.html",
        "  sextant train resnet20 cifar10 --checkpoint run1 --metrics run1.jsonl",
        "  sextant train resnet20 cifar10 --checkpoint run1 --resume",
        "  sextant train resnet18 flowers --weights resnet18.safetensors --epochs 5"
    })
final class Train implements Callable<Integer> {
    /** How long a long epoch goes on without being saved. */
    private static final Duration BETWEEN_CHECKPOINTS = Duration.ofMinutes(5);
    private static final long SECONDS_TO_SAVE = 60;

    @Spec
    private CommandSpec spec;

    @Mixin
    private DataPlace place;

    @Mixin
    private TrainChoices choices;

    @Mixin
    private DeviceOptions on;

    @Option(names = "--weights", paramLabel = "F",
        description = "Trained weights to begin with; if they are of other classes, their last layer begins anew.")
    private Path weights;

    @Option(names = "--checkpoint", paramLabel = "DIR",
        description = "Save there after each epoch, every five minutes and at Ctrl-C: " + CheckpointFolder.STATE
            + " to go on from, "
            + CheckpointFolder.WEIGHTS + " to use.")
    private Path checkpoint;

    @Option(names = "--resume",
        description = "Go on from what lies in --checkpoint, if anything does, with the options it was made with.")
    private boolean resume;

    @Option(names = "--output", paramLabel = "F",
        description = "Where the weights go at the end; M.safetensors if neither this nor --checkpoint is given.")
    private Path output;

    private int bits;

    @Option(names = "--bits", paramLabel = "B", defaultValue = "32",
        description = "Bits of each weight in the file at the end: 32, or 16 or 8 for a smaller one (default: ${DEFAULT-VALUE}).")
    void bits(int bits) {
        if (bits != 32 && bits != 16 && bits != 8) throw new ParameterException(spec.commandLine(), "--bits: expects 32, 16 or 8, found " + bits);
        this.bits = bits;
    }

    @Option(names = "--metrics", paramLabel = "F", description = "Write what is measured, one JSON object a line.")
    private Path metrics;

    @Option(names = "--report", paramLabel = "F.html",
        description = "Write a page with curves, the confusion matrix and the surest mistakes; renewed after each epoch.")
    private Path report;

    @Override
    public Integer call() throws IOException {
        if (resume && checkpoint == null) {
            throw new ParameterException(spec.commandLine(), "--resume: expects --checkpoint DIR to go on from");
        }
        if (weights != null) Failure.readable(weights);
        var destination = destination();
        for (var file : new Path[] {destination, metrics, report}) requireFolder(file);
        var snapshot = saved();
        var data = place.open(Dataset.Split.TRAIN);
        var test = place.openTestIfThere();
        try (var device = on.device()) {
            return train(place.fitted(data), data, test, device, snapshot, destination);
        }
    }

    /** Hours of training should not end at a folder that does not exist. */
    private static void requireFolder(Path file) throws IOException {
        if (file != null && !Files.isDirectory(file.toAbsolutePath().getParent())) {
            throw new FileSystemException(file.toString(), null, "cannot be written, its folder does not exist");
        }
    }

    private Path destination() throws IOException {
        if (output != null || checkpoint != null) return output;
        var file = Path.of(place.network().name() + ".safetensors");
        if (Files.exists(file)) {
            throw new FileAlreadyExistsException(file.toString(), null,
                "is there already: say with --output where the weights should go");
        }
        return file;
    }

    /** What to go on from, or null. */
    private Snapshot saved() throws IOException {
        if (checkpoint == null) return null;
        var folder = new CheckpointFolder(checkpoint);
        if (!resume && Files.exists(folder.state())) {
            throw new FileAlreadyExistsException(folder.state().toString(), null,
                "is there already: go on from it with --resume, or name another folder");
        }
        return resume ? folder.read().orElse(null) : null;
    }

    private int train(Network fitted, Dataset data, Dataset test, Device device, Snapshot snapshot, Path destination)
            throws IOException {
        try (var training = training(fitted, data, test, device, snapshot)) {
            var out = spec.commandLine().getOut();
            var command = "sextant train " + place.network().name() + " " + place.name() + " "
                + TrainChoices.words(training.options()) + " "
                + DeviceOptions.words(device.info()) + (weights == null ? "" : " --weights " + weights);
            introduce(training, test, device.info(), snapshot, command, out);
            if (checkpoint != null) training.saveTo(new CheckpointFolder(checkpoint), BETWEEN_CHECKPOINTS);
            boolean hasTerminal = System.console() != null && System.console().isTerminal();
            try (var _ = checkpoint == null ? null : new LastWords(training);
                    var progress = new TrainProgress(training, out, hasTerminal);
                    var measured = metrics == null ? null : MetricsFile.open(metrics, training.steps(),
                        training.stepsPerEpoch())) {
                // The order in which they are told: what takes long comes last.
                training.listen(progress);
                if (measured != null) training.listen(measured);
                if (report != null) training.listen(new Reporting(training, test, device.info(), command));
                if (!training.run()) {
                    progress.clear();
                    out.println("\nstopped after step " + Table.count(training.steps()) + " of "
                        + Table.count(training.totalSteps()) + ", saved in "
                        + checkpoint + ": go on with --resume");
                    out.flush();
                    return ExitCode.SOFTWARE;
                }
            }
            finish(training, command, destination, out);
        }
        return ExitCode.OK;
    }

    private Training training(Network fitted, Dataset data, Dataset test, Device device, Snapshot snapshot) throws IOException {
        if (snapshot != null) {
            return Training.resumed(fitted, data, test, device, choices.resuming(snapshot.options()), snapshot);
        }
        var options = choices.over(Recipe.of(place.network()));
        if (weights == null) return begun(fitted, data, test, device, options, FirstWeights.random(fitted, options.seed()));
        try (var stored = Weights.open(weights)) {
            var prepared = Preprocessing.fromMetadata(stored.metadata())
                .map(found -> fitted.at(found.height(), found.width()).with(found)).orElse(fitted);
            return begun(prepared, data, test, device, options, FirstWeights.from(prepared, stored, options.seed()));
        }
    }

    private Training begun(Network fitted, Dataset data, Dataset test, Device device, TrainingOptions options,
            FirstWeights first) {
        if (!first.fresh().isEmpty()) {
            spec.commandLine().getErr().println("sextant: " + weights + " has nothing for " + String.join(", ", first.fresh())
                + ": these begin with random numbers");
        }
        return Training.of(fitted, data, test, device, options, first.parameters());
    }

    private void introduce(Training training, Dataset test, Device.Info device, Snapshot snapshot, String command,
            PrintWriter out) {
        var data = training.data();
        out.println(place.network().name() + " on " + place.name() + ": " + Table.count(data.size()) + " pictures of "
            + data.labels().size()
            + " classes" + (test == null ? "" : ", " + Table.count(test.size()) + " to test on") + "; " + device.isaName() + ", "
            + DeviceOptions.place(device));
        out.println(command);
        if (snapshot != null) {
            out.println("going on after step " + Table.count(snapshot.steps()) + " of " + Table.count(training.totalSteps()));
        }
        out.println();
        out.flush();
    }

    private void finish(Training training, String command, Path destination, PrintWriter out) throws IOException {
        out.println();
        if (training.evaluation() != null) out.println("test: " + training.evaluation());
        var told = Path.of("");
        if (destination != null) {
            training.writeWeights(destination, Map.of("sextant.training.command", command, "sextant.training.data", place.name(),
                "sextant.version", Version.current()), bits);
            told = destination;
        } else {
            told = new CheckpointFolder(checkpoint).weights();
        }
        out.println("weights: " + told + " (sextant evaluate " + place.network().name() + " " + place.name() + " --weights "
            + told + ")");
        if (report != null) out.println("report: " + report);
        out.flush();
    }

    /** Where the process is asked to end meanwhile, it waits until the training has been saved and this is closed. */
    private static final class LastWords implements AutoCloseable {
        private final CountDownLatch said = new CountDownLatch(1);
        private final Thread hook;

        LastWords(Training training) {
            hook = Thread.ofPlatform().name("sextant-save").unstarted(() -> {
                training.stop();
                try {
                    said.await(SECONDS_TO_SAVE, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            Runtime.getRuntime().addShutdownHook(hook);
        }

        @Override
        public void close() {
            said.countDown();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException _) {
                // The process is ending.
            }
        }
    }

    /** Renews the page after each epoch. */
    private final class Reporting implements Training.Listener {
        private final Training training;
        private final Dataset test;
        private final Device.Info device;
        private final String command;

        Reporting(Training training, Dataset test, Device.Info device, String command) {
            this.training = training;
            this.test = test;
            this.device = device;
            this.command = command;
        }

        @Override
        public void epoch(History.Epoch epoch, Evaluation evaluation) throws IOException {
            Files.writeString(report, TrainingPage.of(new TrainingPage.Report(place.network().name(), place.name(), command,
                device,
                training.stepsPerEpoch(), training.history(), evaluation, test)));
        }
    }
}
