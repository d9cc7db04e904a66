// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Trainer.Options;
import dev.sextant.graph.Constant.Parameter;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.models.LeNet5;
import dev.sextant.models.Network;
import dev.sextant.train.Optimizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A trainer's results, bit for bit; its memory and its users. */
class TrainerTest {
    private static final int BATCH = 8;
    private static final Optimizer SGD = Optimizer.Sgd.of(0.9, 1e-4), ADAM = Optimizer.AdamW.of(1e-2);
    private static Device device;

    /** Everything that a step may keep from one to the next: running statistics, dropout's random numbers. */
    private static final Network SMALL = new Network("small", seq(
        conv(16, 3).pad(1).noBias(), batchNorm(), relu(), maxPool(2, 2),
        add(seq(conv(16, 3).pad(1).noBias(), batchNorm()), identity()), relu(), dropout(0.3), linear(10)).as(""),
        Shape.of(1, 28, 28), Preprocessing.MNIST, Labels.digits());

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    static Map<String, Tensor> parameters(Network network) {
        var tensors = new LinkedHashMap<String, Tensor>();
        var random = new RandomParameters(5);
        for (var parameter : network.parameters()) {
            var values = random.floats(new Parameter(parameter.key(), parameter.shape()), Arena.ofAuto());
            tensors.put(parameter.key(), Tensor.of(parameter.shape(), values.toArray(ValueLayout.JAVA_FLOAT)));
        }
        return tensors;
    }

    private static Trainer trainer(Network network, Optimizer optimizer) {
        return new Trainer(network, device, parameters(network), Options.of(BATCH, optimizer).withSeed(11));
    }

    /** Pictures whose class is where their brightest stripe is. */
    static void fill(Trainer trainer, long seed) {
        var random = new SplittableRandom(seed);
        trainer.targets().fill((byte) 0);
        for (int n = 0; n < trainer.options().batch(); n++) {
            int label = random.nextInt(10);
            trainer.targets().setAtIndex(ValueLayout.JAVA_FLOAT, n * 10L + label, 1);
            for (int i = 0; i < 784; i++) {
                double value = random.nextDouble(-0.5, 0.5) + (i / 28 / 3 == label ? 1 : 0);
                trainer.images().setAtIndex(ValueLayout.JAVA_FLOAT, n * 784L + i, (float) value);
            }
        }
    }

    private static double run(Trainer trainer, int from, int to, double rate) {
        double loss = 0;
        for (int i = from; i < to; i++) {
            fill(trainer, i);
            var result = trainer.step(rate);
            assertEquals(i, result.step());
            loss = result.loss();
        }
        return loss;
    }

    // ------------------------------------------------------------------------------------------ results

    @Test
    void learns() {
        for (var optimizer : List.of(SGD, ADAM)) {
            try (var trainer = trainer(SMALL, optimizer)) {
                double first = run(trainer, 0, 1, 0), rate = optimizer == SGD ? 0.02 : 0.003;
                double last = run(trainer, 1, 150, rate);
                assertTrue(first > 1.5 && last < 0.3, () -> optimizer + ": the loss went from " + first + " to " + last);
                try (var model = trainer.model(); var predictor = model.predictor(device)) {
                    fill(trainer, 1000);
                    int right = 0;
                    for (int n = 0; n < BATCH; n++) {
                        var image = Tensor.of(Shape.of(1, 1, 28, 28), trainer.images().asSlice(n * 784L * 4, 784 * 4).toArray(ValueLayout.JAVA_FLOAT));
                        if (trainer.targets().getAtIndex(ValueLayout.JAVA_FLOAT, n * 10L + predictor.predict(image).argmax()) == 1) right++;
                    }
                    assertTrue(right >= BATCH - 1, "right: " + right);
                }
            }
        }
    }

    static Stream<Optimizer> optimizers() {
        return Stream.of(SGD, ADAM, Optimizer.Sgd.of(0.9, 1e-3).withNesterov(true).withDecayAll(false).withLargestNorm(0.5));
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void theSameSeedGivesTheSameBits(Optimizer optimizer) {
        try (var one = trainer(SMALL, optimizer); var other = trainer(SMALL, optimizer)) {
            run(one, 0, 20, 0.01);
            run(other, 0, 20, 0.01);
            assertEquals(one.parameters(), other.parameters());
            assertEquals(one.moments(), other.moments());
        }
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void goesOnWhereAnotherStopped(Optimizer optimizer) {
        try (var whole = trainer(SMALL, optimizer); var half = trainer(SMALL, optimizer); var rest = trainer(SMALL, optimizer)) {
            run(whole, 0, 20, 0.01);
            run(half, 0, 7, 0.01);
            rest.restore(half.parameters(), half.moments(), half.steps());
            run(rest, 7, 20, 0.01);
            assertEquals(whole.parameters(), rest.parameters());
            assertEquals(whole.moments(), rest.moments());
        }
    }

    @Test
    void seedsDiffer() {
        try (var one = trainer(SMALL, SGD);
                var other = new Trainer(SMALL, device, parameters(SMALL), Options.of(BATCH, SGD).withSeed(12))) {
            run(one, 0, 3, 0.01);
            run(other, 0, 3, 0.01);
            assertFalse(one.parameters().equals(other.parameters()), "dropout must depend on the seed");
        }
    }

    @Test
    void aLossThatIsNotFiniteStops() {
        try (var trainer = trainer(LeNet5.lenet5Relu(), SGD)) {
            var failure = assertThrows(SextantException.class, () -> run(trainer, 0, 50, 1e20));
            assertTrue(failure.getMessage().matches("training: step \\d+ has the loss .*"), failure.getMessage());
        }
    }

    @Test
    void profileTimesEveryOperation() {
        try (var trainer = trainer(SMALL, SGD)) {
            fill(trainer, 0);
            var timings = trainer.profile(0.01);
            assertEquals(trainer.operations().size(), timings.size());
            assertTrue(timings.stream().allMatch(timing -> timing.nanoseconds() > 0 && !timing.step().implementation().isEmpty()));
            assertEquals(1, trainer.steps());
        }
    }

    // ------------------------------------------------------------------------------------------ bad input

    @Test
    void parametersThatDoNotFitAreRefused() {
        var lacking = parameters(SMALL);
        lacking.remove("0.weight");
        var missing = assertThrows(IllegalArgumentException.class, () -> new Trainer(SMALL, device, lacking, Options.of(BATCH, SGD)));
        assertEquals("training: expects 0.weight of shape 16x1x3x3, found none", missing.getMessage());
        try (var trainer = trainer(SMALL, SGD)) {
            var before = trainer.parameters();
            var misshapen = new LinkedHashMap<>(before);
            misshapen.put("1.running_var", Tensor.of(Shape.of(3), new float[3]));
            assertThrows(IllegalArgumentException.class, () -> trainer.restore(misshapen, trainer.moments(), 3));
            assertEquals(before, trainer.parameters());
            assertEquals(0, trainer.steps());
        }
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Options.of(0, SGD));
        assertThrows(IllegalArgumentException.class, () -> Options.of(1, SGD).withSmoothing(1));
        var narrow = assertThrows(IllegalArgumentException.class, () -> Options.of(1, SGD).withPrecision(Precision.INT8));
        assertEquals("precision: training expects fp32, strict, tf32 or bf16, found int8", narrow.getMessage());
    }

    // ------------------------------------------------------------------------------------------ users

    /** Ten thousand steps, each with all that a training loop does. */
    @Test
    void memoryStaysFlat() throws IOException {
        try (var trainer = trainer(LeNet5.lenet5(), SGD)) {
            fill(trainer, 0);
            for (int i = 0; i < 1000; i++) trainer.step(1e-4);
            long before = residentKilobytes();
            for (int i = 0; i < 10_000; i++) trainer.step(1e-4);
            long grown = residentKilobytes() - before;
            assertTrue(grown < 20_000, "resident memory grew by " + grown + " kB over 10,000 steps");
        }
    }

    private static long residentKilobytes() throws IOException {
        System.gc();
        var line = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("VmRSS:")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", ""));
    }

    @Test
    void closingDuringAStepWaits() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 0; round < 10; round++) {
                var trainer = trainer(SMALL, SGD);
                fill(trainer, 0);
                var started = new CountDownLatch(1);
                Future<?> steps = threads.submit(() -> {
                    while (true) {
                        trainer.step(1e-3);
                        started.countDown();
                    }
                });
                started.await();
                trainer.close();
                trainer.close();
                var failure = assertThrows(ExecutionException.class, steps::get);
                assertTrue(failure.getCause() instanceof IllegalStateException, () -> failure.toString());
                assertThrows(IllegalStateException.class, () -> trainer.images().get(ValueLayout.JAVA_FLOAT, 0));
            }
        }
    }

    @Test
    void oneUserAtATime() throws Exception {
        try (var trainer = trainer(LeNet5.lenet5(), SGD); var threads = Executors.newFixedThreadPool(1)) {
            fill(trainer, 0);
            var others = threads.submit(() -> {
                int refused = 0;
                for (int i = 0; i < 300; i++) {
                    try {
                        trainer.step(1e-4);
                    } catch (IllegalStateException e) {
                        refused++;
                    }
                }
                return refused;
            });
            int refused = 0;
            for (int i = 0; i < 300; i++) {
                try {
                    trainer.step(1e-4);
                } catch (IllegalStateException e) {
                    refused++;
                }
            }
            assertEquals(600 - refused - others.get(), trainer.steps());
        }
    }
}
