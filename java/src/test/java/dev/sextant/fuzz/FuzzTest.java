// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sextant.io.FormatException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files of every format, each one reproducible from its target's name and number: they are read, for damage may hit a pixel, or
 * refused with one sentence that names the file; within a second, and without taking more memory than ten times what the file holds.
 * A few hundred a format, or {@code -Dsextant.fuzz=1000000} in all; {@code -Dsextant.fuzz.seed=2} makes others.
 */
class FuzzTest {
    private static final long TOTAL = Long.getLong("sextant.fuzz", 24_000), SEED = Long.getLong("sextant.fuzz.seed", 1);

    /** Buffers and decoders that do not depend on the file; a WebP of a few bytes may truly be of two million pixels. */
    private static final long SPARE = 1 << 20, SPARE_WEBP = 24 << 20;

    private static final long LONGEST = TimeUnit.SECONDS.toNanos(1);
    private static final Duration HANGING = Duration.ofSeconds(60);

    private static final Set<Class<?>> OURS = Set.of(UnsupportedOperationException.class, IllegalArgumentException.class);

    @TempDir
    Path folder;

    @TestFactory
    List<DynamicTest> damagedFilesAreReadOrRefused() throws Exception {
        var targets = Targets.all(folder);
        long each = Math.max(1, TOTAL / targets.size());
        return targets.stream().map(target -> DynamicTest.dynamicTest(target.name(), () -> new Run(target, folder, each).check())).toList();
    }

    /** What one reading took, and the exception by which the file was refused, or null. */
    private record Measured(long nanoseconds, long allocated, long unpacked, Throwable refusal) {
        boolean isSlow() {
            return nanoseconds > LONGEST;
        }

        boolean isGreedy(long size, long spare) {
            return allocated > 10 * Math.max(size, unpacked) + spare;
        }
    }

    /** All inputs of one target, on a thread of their own. */
    private static final class Run {
        private final Target target;
        private final Path file;
        private final long count, spare;
        private volatile long number = -1;
        private volatile byte[] input;
        private int refused;
        private Measured slowest = new Measured(0, 0, 0, null);
        private long largest;

        Run(Target target, Path folder, long count) throws Exception {
            this.target = target;
            this.count = count;
            spare = target.name().equals("webp") ? SPARE_WEBP : SPARE;
            var own = Files.createDirectories(folder.resolve(target.name().replace(' ', '-')));
            for (var companion : target.companions().entrySet()) Files.write(own.resolve(companion.getKey()), companion.getValue());
            file = own.resolve(target.file());
        }

        void check() throws Exception {
            for (var seed : target.mutations().seeds()) {
                var sound = target.dressing().around(seed.clone());
                Files.write(file, sound);
                target.reading().read(file);
            }
            var all = new FutureTask<Void>(() -> {
                for (number = 0; number < count; number++) check(target.input(random()));
                return null;
            });
            Thread.ofPlatform().daemon().name("fuzz " + target.name()).start(all);
            for (long seen = -1; !all.isDone();) {
                try {
                    all.get(HANGING.toSeconds(), TimeUnit.SECONDS);
                } catch (ExecutionException e) {
                    throw new AssertionError(where(), e.getCause());
                } catch (TimeoutException e) {
                    if (seen == number) fail(where() + " hangs");
                    seen = number;
                }
            }
            System.out.printf("fuzz: %-18s %8d inputs, %5.1f %% refused, longest %6.1f ms, most memory %d KiB%n", target.name(), count,
                100.0 * refused / count, slowest.nanoseconds() / 1e6, largest >> 10);
            assertTrue(refused > count / 20 && refused < count, target.name() + ": " + refused + " of " + count + " refused");
        }

        private SplittableRandom random() {
            return new SplittableRandom(31L * target.name().hashCode() + number + (SEED << 40));
        }

        private void check(byte[] bytes) throws Exception {
            input = bytes;
            Files.write(file, bytes);
            var measured = measure();
            // Once more: classes are loaded at first use, and the machine may have been busy.
            if (measured.isSlow() || measured.isGreedy(bytes.length, spare)) measured = measure();
            if (measured.nanoseconds() > slowest.nanoseconds()) slowest = measured;
            largest = Math.max(largest, measured.allocated());
            if (measured.refusal() != null) {
                refused++;
                var message = measured.refusal().getMessage();
                assertTrue(message != null, "says why");
                boolean named = message.contains(file.getParent().toString()) || !(measured.refusal() instanceof FormatException);
                assertTrue(named, "names the file: " + message);
                assertFalse(message.contains("\n") || message.contains("\r"), "one line: " + message);
                assertTrue(message.length() < 5000, "one sentence: " + message);
            }
            assertFalse(measured.isSlow(), () -> "took more than a second");
            long allocated = measured.allocated();
            assertFalse(measured.isGreedy(bytes.length, spare), () -> "took " + allocated + " bytes for a file of " + bytes.length);
        }

        private Measured measure() {
            long begin = System.nanoTime(), before = Memory.allocated(), beside = Memory.beside();
            long unpacked = 0;
            Throwable refusal = null;
            try {
                unpacked = target.reading().read(file);
            } catch (FormatException e) {
                refusal = e;
            } catch (Exception e) {
                // Exactly these, as a sentence of ours says what does not fit: their subclasses are slips.
                if (!OURS.contains(e.getClass())) throw new AssertionError(e);
                refusal = e;
            }
            long allocated = Memory.allocated() - before + Math.max(0, Memory.seen() - beside);
            return new Measured(System.nanoTime() - begin, allocated, unpacked, refusal);
        }

        private String where() throws Exception {
            var kept = Files.createDirectories(Path.of("target", "fuzz")).resolve(target.name().replace(' ', '-') + "-" + number);
            Files.write(kept, input);
            return target.name() + ", input " + number + " of seed " + SEED + " (kept as " + kept + "): "
                + HexFormat.of().formatHex(input, 0, Math.min(200, input.length));
        }
    }
}
