// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.graph.Constant;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Graphs;
import dev.sextant.graph.Interpreter;
import dev.sextant.models.LeNet5;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PredictorTest {
    private static Device device;
    private static Model lenet;

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
        lenet = Model.random(LeNet5.lenet5(), 1);
    }

    @AfterAll
    static void close() {
        lenet.close();
        device.close();
    }

    private static Tensor digit(int seed) {
        return GoldenFormula.tensor("digit" + seed, Shape.of(1, 1, 28, 28));
    }

    private static MemorySegment copy(Tensor tensor, Arena arena) {
        return arena.allocate(tensor.data().byteSize(), 64).copyFrom(tensor.data());
    }

    // ------------------------------------------------------------------------------------------ shapes and numbers

    @Test
    void anotherShapeIsRefusedWithBoth() {
        try (var predictor = lenet.predictor(device)) {
            var error = assertThrows(IllegalArgumentException.class,
                () -> predictor.predict(GoldenFormula.tensor("x", Shape.of(1, 1, 32, 32))));
            assertEquals("predict: this predictor is made for inputs of shape 1x1x28x28, found 1x1x32x32", error.getMessage());
            try (var arena = Arena.ofConfined()) {
                var right = copy(digit(0), arena);
                error = assertThrows(IllegalArgumentException.class, () -> predictor.predict(right, arena.allocate(44)));
                assertEquals("predict: out expects 40 bytes for 1x10, found 44", error.getMessage());
                assertThrows(IllegalArgumentException.class, () -> predictor.predict(arena.allocate(8), arena.allocate(40)));
                assertThrows(IllegalArgumentException.class, () -> predictor.predict(right, arena.allocate(40).asReadOnly()));
            }
        }
        assertThrows(IllegalArgumentException.class, () -> lenet.predictor(device, Options.of(Shape.of(1, 3, 28, 28))));
        assertThrows(IllegalArgumentException.class, () -> lenet.predictor(device, Options.of(Shape.of(1, 28, 28))));
        assertThrows(IllegalArgumentException.class, () -> lenet.predictor(device, Options.of(Shape.of(0, 1, 28, 28))));
    }

    @Test
    void aBatchIsItsImagesOneByOne() {
        var batch = GoldenFormula.tensor("batch", Shape.of(5, 1, 28, 28));
        try (var many = lenet.predictor(device, Options.of(batch.shape())); var one = lenet.predictor(device)) {
            var together = many.predict(batch);
            assertEquals(Shape.of(5, 10), together.shape());
            for (int i = 0; i < 5; i++) {
                var alone = one.predict(batch.slice(i).reshape(Shape.of(1, 1, 28, 28)));
                assertTrue(distance(alone, together.slice(i)) < 1e-6, "image " + i);
            }
        }
    }

    /** Networks on sizes that nobody trained them for, against plain loops in double. */
    @ParameterizedTest
    @CsvSource({"resnet20, 2x3x45x37", "resnet18, 1x3x41x65", "googlenet, 1x3x64x47", "densenet_bc_100_12, 1x3x19x24",
        "vgg11_bn, 1x3x33x40"})
    void otherSizes(String name, String size) {
        var network = Networks.named(name);
        var shape = Shape.parse(size);
        var input = GoldenFormula.tensor("input", shape);
        try (var model = Model.of(network, FormulaWeights.of(network)); var predictor =
            model.predictor(device, Options.of(shape))) {
            var expected = Interpreter.run(Graph.of(network.body(), shape).tapping(List.of()), Graphs.FORMULA,
                Graphs.input(shape));
            Graphs.assertSame(expected, Map.of("", doubles(predictor.predict(input))), () -> name + " on " + size);
        }
    }

    @Test
    void aSizeThatTheWeightsDoNotFitIsRefused() {
        var network = Networks.named("alexnet_2012");
        try (var model = Model.of(network, FormulaWeights.of(network))) {
            var error = assertThrows(IllegalArgumentException.class,
                () -> model.predictor(device, Options.of(Shape.of(1, 3, 256, 256))));
            assertTrue(error.getMessage().startsWith("predictor: input 1x3x256x256 expects fc6.weight of shape 4096x"),
                error.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({"lenet5", "lenet5_relu", "resnet20", "googlenet_2014", "densenet_bc_100_12"})
    void notANumberPassesThrough(String name) {
        var network = Networks.named(name);
        var values = new float[(int) network.input().elements()];
        values[values.length / 2] = Float.NaN;
        try (var model = Model.random(network, 3); var predictor = model.predictor(device)) {
            var output = predictor.predict(Tensor.of(predictor.inputShape(), values));
            for (int i = 0; i < output.shape().elements(); i++) assertTrue(Float.isNaN(output.get(i)),
                "a NaN in the picture became " + output);
        }
    }

    @Test
    void aStepByItself() {
        try (var whole = lenet.predictor(device); var last = lenet.step(device, Options.DEFAULT, whole.steps().size() - 1);
                var arena = Arena.ofConfined()) {
            assertEquals(List.of(whole.steps().getLast()), last.steps());
            var bias = lenet.parameters().floats(new Constant.Parameter("fc3.bias", Shape.of(10)), arena);
            assertEquals(Tensor.of(Shape.of(1, 10), bias), last.predict(digit(0)), "fc3 of zeros");
            int beyond = whole.steps().size();
            var error = assertThrows(IllegalArgumentException.class, () -> lenet.step(device, Options.DEFAULT, beyond));
            assertEquals("graph: has " + beyond + " nodes, none at index " + beyond, error.getMessage());
        }
    }

    // ------------------------------------------------------------------------------------------ memory

    /** Wherever the caller's memory lies, the bits are the same. */
    @Test
    void everyKindOfMemory() {
        var image = digit(7);
        try (var predictor = lenet.predictor(device); var confined = Arena.ofConfined(); var shared = Arena.ofShared()) {
            var expected = predictor.predict(image);
            var odd = confined.allocate(image.data().byteSize() + 2).asSlice(2).copyFrom(image.data());
            for (var in : List.of(image.data(), copy(image, confined), copy(image, shared), copy(image, Arena.global()),
                copy(image, Arena.ofAuto()), odd)) {
                for (var out : List.of(MemorySegment.ofArray(new float[10]), confined.allocate(40), shared.allocate(40),
                    Arena.ofAuto().allocate(40),
                        Arena.global().allocate(40, 4), confined.allocate(42).asSlice(2))) {
                    predictor.predict(in, out);
                    assertEquals(expected, Tensor.of(predictor.outputShape(), out), () -> in + " to " + out);
                }
            }
        }
    }

    @Test
    void memoryThatWasFreedIsRefused() {
        try (var predictor = lenet.predictor(device)) {
            var out = new float[10];
            for (var arena : List.of(Arena.ofConfined(), Arena.ofShared())) {
                var in = copy(digit(1), arena);
                arena.close();
                assertThrows(IllegalStateException.class, () -> predictor.predict(in, MemorySegment.ofArray(out)));
                assertThrows(IllegalStateException.class,
                    () -> predictor.predict(Tensor.of(predictor.inputShape(), digit(1).data()).data(), in.asSlice(0, 40)));
            }
        }
    }

    /** Half a million results read, and not one of them leaves memory behind. */
    @Test
    void residentMemoryStaysFlat() throws IOException {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/status")), "this system has no /proc");
        try (var predictor = lenet.predictor(device)) {
            predictMany(predictor, 2000);
            long before = residentKilobytes();
            predictMany(predictor, 4000);
            long grown = residentKilobytes() - before;
            assertTrue(grown < 24 * 1024, () -> "resident memory grew by " + grown + " kB over 4000 predictions");
            var result = predictor.predict(digit(0));
            long start = residentKilobytes();
            double sum = 0;
            for (int i = 0; i < 500_000; i++) sum += result.get(i % 10);
            assertTrue(Double.isFinite(sum));
            assertTrue(residentKilobytes() - start < 8 * 1024, "reading results takes memory");
        }
    }

    /** Making and closing predictors, and models, gives everything back. */
    @Test
    void closingGivesMemoryBack() throws IOException {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/status")), "this system has no /proc");
        var network = Networks.named("resnet20");
        for (int i = 0; i < 150; i++) openAndClose(network);
        System.gc();
        long before = residentKilobytes();
        for (int i = 0; i < 300; i++) openAndClose(network);
        System.gc();
        long grown = residentKilobytes() - before;
        assertTrue(grown < 100 * 1024, () -> "resident memory grew by " + grown + " kB over 300 models of 1.5 MB and more");
    }

    private static void openAndClose(Network network) {
        try (var model = Model.random(network, 2); var own = Device.cpu(2); var predictor = model.predictor(own)) {
            predictor.predict(GoldenFormula.tensor("x", Shape.of(1, 3, 32, 32)));
        }
    }

    private static void predictMany(Predictor predictor, int count) {
        double sum = 0;
        var input = digit(0);
        for (int i = 0; i < count; i++) {
            var output = predictor.predict(input);
            for (int k = 0; k < 10; k++) sum += output.get(k);
        }
        assertTrue(Double.isFinite(sum));
        System.gc();
    }

    private static long residentKilobytes() throws IOException {
        var line = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("VmRSS:")).findFirst()
            .orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", ""));
    }

    // ------------------------------------------------------------------------------------------ threads and closing

    @Test
    void aSecondThreadIsRefused() throws Exception {
        var network = Networks.named("resnet18");
        try (var model = Model.random(network, 1); var predictor = model.predictor(device); var pool =
            Executors.newFixedThreadPool(2)) {
            var input = GoldenFormula.tensor("x", predictor.inputShape());
            var refused = new AtomicInteger();
            Callable<Void> user = () -> {
                for (int i = 0; i < 300 && refused.get() == 0; i++) {
                    try {
                        predictor.predict(input);
                    } catch (IllegalStateException e) {
                        assertEquals("predict: another thread is using this predictor, give each thread one of its own",
                            e.getMessage());
                        refused.incrementAndGet();
                    }
                }
                return null;
            };
            for (var done : pool.invokeAll(List.of(user, user))) done.get();
            assertTrue(refused.get() > 0);
        }
    }

    @Test
    void predictorsInParallelGiveTheSameBits() throws Exception {
        var network = Networks.named("resnet20");
        try (var model = Model.random(network, 1)) {
            var inputs = new ArrayList<Tensor>();
            for (int i = 0; i < 4; i++) inputs.add(GoldenFormula.tensor("x" + i, Shape.of(1, 3, 32, 32)));
            List<Tensor> expected;
            try (var predictor = model.predictor(device)) {
                expected = inputs.stream().map(predictor::predict).toList();
            }
            try (var pool = Executors.newFixedThreadPool(4)) {
                var runs = new ArrayList<Future<?>>();
                for (int i = 0; i < 4; i++) {
                    int own = i;
                    runs.add(pool.submit(() -> {
                        try (var predictor = model.predictor(device)) {
                            for (int j = 0; j < 40; j++) assertEquals(expected.get(own), predictor.predict(inputs.get(own)));
                        }
                    }));
                }
                for (var run : runs) run.get();
            }
        }
    }

    @Test
    void predictorsOfOnePlanShareIt() {
        try (var a = lenet.predictor(device); var b = lenet.predictor(device); var c =
            lenet.predictor(device, Options.DEFAULT.withPrecision(Precision.STRICT))) {
            assertSame(a.steps(), b.steps());
            assertTrue(a.steps() != c.steps());
        }
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) pool.submit(() -> lenet.predictor(device).close());
        }
    }

    /** The closer waits or the users are refused; nobody crashes. */
    @Test
    void closingDuringRuns() throws Exception {
        try (var pool = Executors.newFixedThreadPool(4)) {
            for (int round = 0; round < 60; round++) {
                var predictor = lenet.predictor(device);
                var runs = new ArrayList<Future<Integer>>();
                for (int i = 0; i < 3; i++) runs.add(pool.submit(() -> useUntilClosed(predictor)));
                Thread.sleep(Duration.ofNanos(200_000 * (round % 10)));
                pool.submit(predictor::close).get();
                for (var run : runs) run.get();
            }
        }
        lenet.predictor(device).close();
    }

    private static int useUntilClosed(Predictor predictor) {
        var input = digit(0);
        for (int i = 0; ; i++) {
            try {
                predictor.predict(input);
            } catch (IllegalStateException e) {
                if (e.getMessage().equals("predict: the predictor is closed")) return i;
            }
        }
    }

    /** A user's own arena, closed by another thread in the middle of a run. */
    @Test
    void closingTheCallersMemoryDuringRuns() throws Exception {
        try (var pool = Executors.newFixedThreadPool(1); var predictor = lenet.predictor(device)) {
            for (int round = 0; round < 60; round++) {
                var arena = Arena.ofShared();
                var in = copy(digit(0), arena);
                var out = arena.allocate(40);
                var run = pool.submit(() -> {
                    while (true) {
                        try {
                            predictor.predict(in, out);
                        } catch (IllegalStateException e) {
                            return;
                        }
                    }
                });
                Thread.sleep(Duration.ofNanos(200_000 * (round % 10)));
                for (boolean open = true; open; ) {
                    try {
                        arena.close();
                        open = false;
                    } catch (IllegalStateException inUse) {
                        Thread.onSpinWait();
                    }
                }
                run.get();
            }
        }
    }

    @Test
    void afterClosing() {
        var predictor = lenet.predictor(device);
        predictor.predict(digit(0));
        predictor.close();
        predictor.close();
        assertEquals("predict: the predictor is closed",
            assertThrows(IllegalStateException.class, () -> predictor.predict(digit(0))).getMessage());
        assertEquals("taps: the predictor is closed", assertThrows(IllegalStateException.class, predictor::taps).getMessage());
        assertThrows(IllegalStateException.class, predictor::profile);
        assertEquals(Shape.of(1, 10), predictor.outputShape());
    }

    @Test
    void aModelClosesAfterItsPredictors() {
        var model = Model.random(LeNet5.lenet5(), 1);
        var a = model.predictor(device);
        var b = model.predictor(device, Options.of(Shape.of(2, 1, 28, 28)));
        assertEquals("model: 2 predictors are still open, close them first",
            assertThrows(IllegalStateException.class, model::close).getMessage());
        b.close();
        assertEquals("model: 1 predictor is still open, close it first",
            assertThrows(IllegalStateException.class, model::close).getMessage());
        a.predict(digit(0));
        a.close();
        model.close();
        model.close();
        assertEquals("predictor: the model is closed",
            assertThrows(IllegalStateException.class, () -> model.predictor(device)).getMessage());
    }

    @Test
    void aClosedDeviceKeepsItsPredictors() {
        var own = Device.cpu(1);
        try (var predictor = lenet.predictor(own)) {
            var before = predictor.predict(digit(0));
            own.close();
            own.close();
            assertEquals(before, predictor.predict(digit(0)));
            assertEquals("device: is closed", assertThrows(IllegalStateException.class, () -> lenet.predictor(own)).getMessage());
        }
    }

    @Test
    void devices() {
        assertSame(Device.cpu(), Device.cpu());
        Device.cpu().close();
        try (var predictor = lenet.predictor(Device.cpu()); var one = Device.cpu(1); var alone = lenet.predictor(one)) {
            assertEquals(predictor.predict(digit(0)), alone.predict(digit(0)), "the number of threads changes no bit");
            assertEquals(1, one.info().threads());
            assertTrue(List.of("avx512", "avx2", "portable").contains(one.info().isaName()), one.info()::toString);
            assertTrue(one.info().cores() >= 1 && one.info().block() >= 8);
        }
        assertThrows(IllegalArgumentException.class, () -> Device.cpu(-1));
    }

    // ------------------------------------------------------------------------------------------ what a plan tells

    @Test
    void tapsReportStages() {
        var input = digit(0);
        try (var predictor = lenet.predictor(device, Options.DEFAULT.withTaps(List.of("fc2", "conv1"))); var plain =
            lenet.predictor(device)) {
            assertThrows(IllegalStateException.class, predictor::taps);
            var output = predictor.predict(input);
            assertEquals(List.of("fc2", "conv1"), List.copyOf(predictor.taps().keySet()));
            assertEquals(Shape.of(1, 84), predictor.taps().get("fc2").shape());
            assertEquals(Shape.of(1, 6, 28, 28), predictor.taps().get("conv1").shape());
            assertTrue(distance(plain.predict(input), output) < 1e-6);
            assertTrue(plain.taps().isEmpty());
        }
        var error = assertThrows(IllegalArgumentException.class,
            () -> lenet.predictor(device, Options.DEFAULT.withTaps(List.of("conv9"))));
        assertTrue(error.getMessage().contains("conv9") && error.getMessage().contains("conv1"), error.getMessage());
    }

    @Test
    void profileTimesEveryStep() {
        try (var predictor = lenet.predictor(device)) {
            var timings = predictor.profile();
            assertEquals(predictor.steps(), timings.stream().map(Predictor.Timing::step).toList());
            assertTrue(timings.stream().allMatch(timing -> timing.nanoseconds() >= 0));
            assertEquals(predictor.flops(), predictor.steps().stream().mapToLong(Predictor.Step::flops).sum());
            assertEquals(predictor.weightBytes(), predictor.steps().stream().mapToLong(Predictor.Step::weightBytes).sum());
            assertTrue(predictor.steps().stream()
                .anyMatch(step -> step.name().equals("conv1") && step.implementation().startsWith("f32_conv2d_")));
        }
    }

    /** The catalogue runs on kernels: what falls back to plain loops would be seen here before it is felt. */
    @ParameterizedTest
    @CsvSource({"lenet5", "lenet5_relu", "lenet_caffe", "alexnet", "alexnet_2012", "googlenet", "googlenet_2014", "resnet18",
        "resnet50", "resnet50_v1",
        "resnet20", "densenet121", "densenet_bc_100_12"})
    void noStepFallsBackToPlainLoops(String name) {
        try (var model = Model.random(Networks.named(name), 1); var predictor = model.predictor(device)) {
            assertEquals(List.of(),
                predictor.steps().stream().filter(step -> step.implementation().endsWith("_reference")).toList());
        }
    }

    private static double distance(Tensor expected, Tensor found) {
        return Graphs.distance(doubles(expected), doubles(found));
    }

    private static double[] doubles(Tensor tensor) {
        var floats = tensor.toArray();
        var doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) doubles[i] = floats[i];
        return doubles;
    }
}
