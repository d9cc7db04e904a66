// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Device;
import dev.sextant.SextantException;
import dev.sextant.Tensor;
import dev.sextant.data.Augmentation;
import dev.sextant.data.Dataset;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingTest {
    private static final TrainingOptions OPTIONS = TrainingOptions.of(4, 16, 0.1)
        .withSchedule(Schedule.parse("warmup:3,cosine")).withAugmentations(Augmentation.parse("crop:1")).withSmoothing(0.05);

    @TempDir
    static Path folder;

    static Dataset data, test;
    static Device device;

    @BeforeAll
    static void open() throws IOException {
        Bright.write(folder.resolve("bright"), 200, 50);
        data = Bright.open(folder.resolve("bright"), Dataset.Split.TRAIN);
        test = Bright.open(folder.resolve("bright"), Dataset.Split.TEST);
        device = Device.cpu(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    private static Training begin(TrainingOptions options) {
        var network = Bright.network();
        return Training.of(network, data, test, device, options, Initialisation.HE.parameters(network, options.seed()));
    }

    @Test
    void learns() throws IOException {
        try (var training = begin(TrainingOptions.of(8, 16, 0.2).withSchedule(OPTIONS.schedule()))) {
            assertTrue(training.run());
            assertEquals(12, training.stepsPerEpoch());
            assertEquals(96, training.steps());
            var history = training.history();
            assertEquals(96, history.points().size());
            assertEquals(8, history.epochs().size());
            assertTrue(history.epochs().getLast().loss() < 0.3 * history.epochs().getFirst().loss(), history::toString);
            assertTrue(training.evaluation().top1() > 0.9, training.evaluation()::toString);
            assertEquals(training.evaluation().top1(), history.epochs().getLast().top1());
            assertEquals(0.2 * OPTIONS.schedule().factor(95, 96), history.points().getLast().rate());
        }
    }

    @Test
    void sameSeedSameBits() throws IOException {
        Map<String, Tensor> first, again, other;
        try (var training = begin(OPTIONS)) {
            training.run();
            first = training.snapshot().parameters();
        }
        try (var training = begin(OPTIONS)) {
            training.run();
            again = training.snapshot().parameters();
        }
        try (var training = begin(OPTIONS.withSeed(2))) {
            training.run();
            other = training.snapshot().parameters();
        }
        assertEquals(first, again);
        assertNotEquals(first, other);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 12, 30, 47})
    void resumedBitForBit(int steps, @TempDir Path saved) throws IOException {
        for (var optimizer : new Optimizer[] {Optimizer.Sgd.of(0.9, 1e-3).withNesterov(true),
            Optimizer.AdamW.of(0.01).withLargestNorm(1)}) {
            var options = OPTIONS.withOptimizer(optimizer);
            var checkpoints = new CheckpointFolder(saved.resolve(optimizer.getClass().getSimpleName()));
            Snapshot whole, parted;
            try (var training = begin(options)) {
                training.run();
                whole = training.snapshot();
            }
            try (var training = begin(options)) {
                training.run(steps);
                checkpoints.write(training.snapshot(), training.network());
            }
            var snapshot = checkpoints.read().orElseThrow();
            assertEquals(options, snapshot.options());
            assertEquals(steps, snapshot.steps());
            try (var training = Training.resumed(Bright.network(), data, test, device, snapshot.options(), snapshot)) {
                assertTrue(training.run());
                parted = training.snapshot();
            }
            assertEquals(whole.parameters(), parted.parameters());
            assertEquals(whole.moments(), parted.moments());
            assertEquals(whole.history().epochs().getLast().loss(), parted.history().epochs().getLast().loss(), 1e-6);
            assertEquals(whole.history().points().size(), parted.history().points().size());
        }
    }

    @Test
    void savesWhenStopped(@TempDir Path saved) throws IOException {
        var checkpoints = new CheckpointFolder(saved.resolve("run"));
        try (var training = begin(OPTIONS)) {
            training.saveTo(checkpoints, Duration.ofDays(1));
            training.listen(new Training.Listener() {
                @Override
                public void step(Training.Step step) {
                    if (step.step() == 17) training.stop();
                }
            });
            assertFalse(training.run());
        }
        assertEquals(17, checkpoints.read().orElseThrow().steps());
    }

    @Test
    void savesInBetween(@TempDir Path saved) throws IOException {
        var steps = new ArrayList<Long>();
        try (var training = begin(OPTIONS)) {
            training.saveTo(new CheckpointFolder(saved.resolve("run")), Duration.ZERO);
            training.listen(new Training.Listener() {
                @Override
                public void saved(long step) {
                    steps.add(step);
                }
            });
            training.run(14);
        }
        assertEquals(14, steps.size());
    }

    @Test
    void lossThatIsNoNumberNamesItsStepAndLosesNothing(@TempDir Path saved) throws IOException {
        var checkpoints = new CheckpointFolder(saved.resolve("run"));
        var options = OPTIONS.withSchedule(new Schedule.Constant());
        try (var training = begin(options)) {
            training.saveTo(checkpoints, Duration.ofDays(1));
            training.run(12);
        }
        var bytes = Files.readAllBytes(checkpoints.state());
        var wild = new TrainingOptions(4, 16, 1e30, options.schedule(), options.optimizer(), 0, options.augmentations(), 1,
            options.precision());
        try (var training = Training.resumed(Bright.network(), data, test, device, wild, checkpoints.read().orElseThrow())) {
            training.saveTo(checkpoints, Duration.ofDays(1));
            var thrown = assertThrows(SextantException.class, training::run);
            assertTrue(thrown.getMessage().matches("training: step 1[2-9] has the loss .*"), thrown::getMessage);
        }
        assertArrayEquals(bytes, Files.readAllBytes(checkpoints.state()));
    }

    @Test
    void whatDoesNotFit() throws IOException {
        var parameters = Initialisation.HE.parameters(Bright.network(), 1);
        assertMessage("batch: expects at most the 200 samples of " + data.name() + ", found 201",
            () -> Training.of(Bright.network(), data, test, device, TrainingOptions.of(1, 201, 0.1), parameters));
        var few = Bright.network().classes(3);
        assertMessage(data.name() + ": expects the 3 classes of bright, found 10",
            () -> Training.of(few, data, test, device, OPTIONS, Initialisation.HE.parameters(few, 1)));
        try (var training = begin(OPTIONS)) {
            var snapshot = training.snapshot();
            var lenet = Networks.named("lenet5");
            assertMessage("checkpoint: expects one of lenet5, found one of bright",
                () -> Training.resumed(lenet, data, test, device, OPTIONS, snapshot));
        }
        assertMessage("training: epochs expects at least 1, found 0", () -> TrainingOptions.of(0, 1, 0.1));
        assertMessage("training: rate expects a number over 0, found NaN", () -> TrainingOptions.of(1, 1, Double.NaN));
    }

    @Test
    void weightsSayHowTheyWereMade(@TempDir Path saved) throws IOException {
        var file = saved.resolve("weights.safetensors");
        try (var training = begin(OPTIONS)) {
            training.run();
            training.writeWeights(file, Map.of("note", "of the test's own"), 32);
            try (var weights = Safetensors.open(file)) {
                assertEquals("of the test's own", weights.metadata().get("note"));
                assertEquals("bright", weights.metadata().get("sextant.training.network"));
                assertEquals("4", weights.metadata().get("sextant.training.epoch"));
                assertEquals(Bright.network().preprocessing(),
                    Preprocessing.fromMetadata(weights.metadata()).orElseThrow());
                assertEquals(OPTIONS, TrainingOptions.fromMetadata(weights.metadata()));
                assertEquals(training.evaluation().top1(), Double.parseDouble(weights.metadata().get("sextant.training.top1")),
                    1e-6);
            }
        }
    }

    private static void assertMessage(String message, Executable code) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, code).getMessage());
    }
}
