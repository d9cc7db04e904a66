// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.data.Dataset.Split;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.FormatException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches are the same on however many threads, from wherever they begin; and nothing goes on after an end or a failure. */
@Timeout(60)
class BatchesTest {
    private static final Preprocessing PLAIN = Preprocessing.rgb(6, 6, List.of(0f, 0f, 0f), List.of(1f, 1f, 1f));
    private static final int EACH = 3 * 36;

    @TempDir
    private Path folder;

    private static Stored noise(int count) {
        var random = new Random(8);
        var planes = new byte[count][EACH];
        for (var sample : planes) random.nextBytes(sample);
        var classes = new byte[count];
        for (int i = 0; i < count; i++) classes[i] = (byte) (i % 10);
        return new Stored("noise", Labels.cifar10(), 3, 6, 6, planes, classes);
    }

    /** A batch on the heap. */
    private record Taken(int count, float[] images, float[] targets, List<Integer> samples) {
        static Taken next(Batches batches, int batch) throws IOException {
            var images = new float[batch * EACH];
            var targets = new float[batch * 10];
            Arrays.fill(images, 99);
            Arrays.fill(targets, 99);
            int count = batches.next(MemorySegment.ofArray(images), MemorySegment.ofArray(targets));
            return new Taken(count, images, targets, IntStream.range(0, count).mapToObj(batches::sample).toList());
        }

        void assertSame(Taken other) {
            assertEquals(count, other.count);
            assertArrayEquals(images, other.images);
            assertArrayEquals(targets, other.targets);
            assertEquals(samples, other.samples);
        }
    }

    private static List<Taken> training(Stored data, String augmentations, long seed, long first, int threads,
        int count) throws IOException {
        var taken = new ArrayList<Taken>();
        try (var batches = Batches.training(data, PLAIN, 8, Augmentation.parse(augmentations), seed, first, threads)) {
            for (int i = 0; i < count; i++) taken.add(Taken.next(batches, 8));
        }
        return taken;
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "flip,crop:2,cutout:3,jitter:0.4,lighting:0.1,mixup:0.4", "resized-crop,mixup:1"})
    void threadsAndBeginningsChangeNothing(String augmentations) throws IOException {
        var data = noise(45);
        var one = training(data, augmentations, 3, 0, 1, 30);
        for (int threads : new int[] {2, 3, 7}) {
            var many = training(data, augmentations, 3, 0, threads, 30);
            for (int i = 0; i < 30; i++) one.get(i).assertSame(many.get(i));
        }
        var late = training(data, augmentations, 3, 13, 2, 17);
        for (int i = 0; i < 17; i++) one.get(13 + i).assertSame(late.get(i));
        var other = training(data, augmentations, 4, 0, 1, 1).getFirst();
        assertFalse(Arrays.equals(one.getFirst().images, other.images));
    }

    @Test
    void anEpochTakesEachSampleAtMostOnce() throws IOException {
        var taken = training(noise(45), "none", 1, 0, 2, 15);
        var orders = new HashSet<List<Integer>>();
        for (int epoch = 0; epoch < 3; epoch++) {
            var samples = new ArrayList<Integer>();
            for (var batch : taken.subList(5 * epoch, 5 * epoch + 5)) samples.addAll(batch.samples);
            assertEquals(40, new HashSet<>(samples).size(), "five whole batches, the rest of 45 is left out");
            orders.add(samples);
        }
        assertEquals(3, orders.size(), "each epoch has an order of its own");
    }

    @Test
    void targetsAreTheClasses() throws IOException {
        var data = noise(45);
        for (var batch : training(data, "flip", 1, 0, 2, 5)) {
            for (int n = 0; n < 8; n++) {
                int label = data.label(batch.samples.get(n));
                for (int c = 0; c < 10; c++) assertEquals(c == label ? 1 : 0, batch.targets[n * 10 + c]);
            }
        }
    }

    /** Images and targets are mixed with the next row's by the same share; the last row with the first as it was. */
    @Test
    void mixup() throws IOException {
        var data = noise(45);
        var plain = training(data, "none", 2, 0, 1, 5);
        var mixed = training(data, "mixup:1", 2, 0, 1, 5);
        for (int b = 0; b < 5; b++) {
            for (int n = 0; n < 8; n++) {
                int next = (n + 1) % 8;
                int mine = data.label(plain.get(b).samples.get(n)), others = data.label(plain.get(b).samples.get(next));
                float share = mixed.get(b).targets[n * 10 + mine];
                if (mine == others) continue;
                assertEquals(1 - share, mixed.get(b).targets[n * 10 + others], 1e-6);
                for (int p = 0; p < EACH; p++) {
                    float expected = share * plain.get(b).images[n * EACH + p] + (1 - share) * plain.get(b).images[next * EACH
                        + p];
                    assertEquals(expected, mixed.get(b).images[n * EACH + p], 1e-6);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void evaluationGoesThroughAllOnce(int threads) throws IOException {
        var data = noise(21);
        try (var batches = Batches.evaluation(data, PLAIN, 8, threads)) {
            assertEquals(3, batches.batchesPerEpoch());
            for (int b = 0; b < 3; b++) {
                var batch = Taken.next(batches, 8);
                assertEquals(b < 2 ? 8 : 5, batch.count);
                for (int n = 0; n < 8; n++) {
                    int i = 8 * b + n;
                    for (int p = 0; p < EACH; p++) {
                        float expected = i < 21 ? (data.planes(i)[p] & 0xff) / 255f : 0;
                        assertEquals(expected, batch.images[n * EACH + p], "rows past the count are zeros");
                    }
                    if (i < 21) assertEquals(i, batch.samples.get(n));
                    else for (int c = 0; c < 10; c++) assertEquals(0, batch.targets[n * 10 + c]);
                }
            }
            assertEquals(0, Taken.next(batches, 8).count);
            assertEquals(0, Taken.next(batches, 8).count);
        }
    }

    @Test
    void picturesOnDiskAreDecodedOnTheWay() throws IOException {
        for (int i = 0; i < 4; i++) {
            var file = folder.resolve("train/" + "ab".charAt(i % 2) + "/" + i + ".png");
            Files.createDirectories(file.getParent());
            Files.write(file, Made.picture("png", 20 + i, 10, 0x102030 * (i + 1)));
        }
        var data = Dataset.open(folder, Split.TRAIN);
        try (var batches = Batches.evaluation(data, PLAIN, 4, 2)) {
            var images = new float[4 * EACH];
            assertEquals(4, batches.next(MemorySegment.ofArray(images), MemorySegment.ofArray(new float[8])));
            for (int n = 0; n < 4; n++) {
                assertArrayEquals(data.picture(n).tensor(PLAIN).toArray(), Arrays.copyOfRange(images, n * EACH, (n + 1) * EACH));
            }
        }
    }

    @Test
    void aPictureThatDoesNotDecodeComesOutAtNext() throws IOException {
        for (int i = 0; i < 6; i++) {
            var file = folder.resolve("train/a/" + i + ".png");
            Files.createDirectories(file.getParent());
            Files.write(file, i == 3 ? new byte[9] : Made.picture("png", 6, 6, i));
        }
        var data = Dataset.open(folder, Split.TRAIN);
        for (int threads = 1; threads <= 3; threads++) {
            try (var batches = Batches.evaluation(data, PLAIN, 2, threads)) {
                var images = MemorySegment.ofArray(new float[2 * EACH]);
                var targets = MemorySegment.ofArray(new float[2]);
                assertEquals(2, batches.next(images, targets), "what comes before is whole");
                for (int again = 0; again < 2; again++) {
                    var e = assertThrows(FormatException.class, () -> batches.next(images, targets));
                    assertTrue(e.getMessage().startsWith(folder.resolve("train/a/3.png").toString()), e.getMessage());
                }
            }
        }
    }

    @Test
    void closingStopsTheThreads() throws Exception {
        var before = running();
        var batches = Batches.training(noise(40), PLAIN, 8, List.of(), 1, 0, 3);
        Taken.next(batches, 8);
        assertEquals(before + 3, running());
        batches.close();
        batches.close();
        assertEquals(before, running());
        assertThrows(IllegalStateException.class, () -> Taken.next(batches, 8));
    }

    private static long running() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().startsWith("sextant-batches-")
            && t.isAlive()).count();
    }

    /** A taker that waits when another thread closes gets an exception instead of waiting for ever. */
    @Test
    void closingWakesTheTaker() throws Exception {
        for (int i = 0; i < 20; i++) {
            var batches = Batches.training(noise(40), PLAIN, 8, Augmentation.parse("resized-crop"), 1, 0, 1);
            var taker = Thread.ofPlatform().start(() -> assertThrows(IllegalStateException.class, () -> {
                while (true) Taken.next(batches, 8);
            }));
            Thread.sleep(2);
            batches.close();
            assertTrue(taker.join(Duration.ofSeconds(20)));
        }
    }

    @Test
    void interruption() {
        try (var batches = Batches.training(noise(40), PLAIN, 8, Augmentation.parse("resized-crop"), 1, 0, 1)) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedIOException.class, () -> {
                while (true) Taken.next(batches, 8);
            });
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void argumentsAreChecked() throws IOException {
        var data = noise(10);
        var e = assertThrows(IllegalArgumentException.class, () -> Batches.training(data, PLAIN, 11, List.of(), 0, 0, 1));
        assertEquals("batches: expected 1 to 10 samples a batch, as many as noise has, found 11", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Batches.training(data, PLAIN, 0, List.of(), 0, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> Batches.training(data, PLAIN, 5, List.of(), 0, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> Batches.training(data, PLAIN, 5, List.of(), 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> Batches.evaluation(data, PLAIN, 0, 1));
        assertTrue(Batches.threads() >= 1);
        try (var arena = Arena.ofConfined(); var batches = Batches.evaluation(data, PLAIN, 4, 1)) {
            var images = arena.allocate(4L * EACH * Float.BYTES);
            var targets = arena.allocate(4L * 10 * Float.BYTES);
            assertThrows(IllegalArgumentException.class, () -> batches.next(images.asSlice(4), targets));
            assertThrows(IllegalArgumentException.class, () -> batches.next(images, targets.asSlice(4)));
            assertEquals(4, batches.next(images, targets));
            assertEquals(1, targets.getAtIndex(ValueLayout.JAVA_FLOAT, 0));
        }
    }
}
