// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
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
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** A predictor's memory and its users: what is kept flat, what is shared, what closing does while others run. */
class PredictorLifeTest extends OnLeNet {
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
            assertTrue(List.of("avx512_bf16", "avx512", "avx2", "portable").contains(one.info().isaName()), one.info()::toString);
            assertTrue(one.info().cores() >= 1 && one.info().order().block() >= 8);
        }
        assertThrows(IllegalArgumentException.class, () -> Device.cpu(-1));
    }
}
