// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.bindings.sextant_h;
import dev.sextant.io.FormatException;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Networks;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.json.JsonFactory;

class CheckpointFolderTest {
    private static final int ROUNDS = 12;

    @TempDir
    Path folder;

    /** Numbers that say which checkpoint they belong to. */
    private static Snapshot snapshot(long steps, int size) {
        var values = new float[size];
        Arrays.fill(values, steps);
        var tensor = Tensor.of(Shape.of(size), values);
        var history = History.EMPTY.with(new History.Point(steps, 0.5, 0.25, 0.125, 2, 1000))
            .with(new History.Epoch(1, steps, 0.5, 0.25, Double.NaN, Double.NaN, Double.NaN, 3));
        return new Snapshot("lenet5", Map.of("a", tensor, "b", tensor), Map.of("moment.a", tensor, "second.a", tensor), steps,
            TrainingOptions.of(3, 4, 0.5), new Snapshot.Sums(1.0 / 3, 5, 2), history, 12.5);
    }

    @Test
    void thereAndBack() throws IOException {
        var checkpoints = new CheckpointFolder(folder.resolve("new"));
        assertEquals(Optional.empty(), checkpoints.read());
        var written = snapshot(7, 10);
        checkpoints.write(written, Networks.named("lenet5"));
        assertEquals(written, checkpoints.read().orElseThrow());
        var next = snapshot(8, 10);
        checkpoints.write(next, Networks.named("lenet5"));
        assertEquals(next, checkpoints.read().orElseThrow());
        try (var weights = Safetensors.open(checkpoints.weights())) {
            assertEquals(next.parameters().keySet(), weights.keys());
            assertEquals("8", weights.metadata().get("sextant.training.step"));
        }
        assertEquals(List.of(CheckpointFolder.STATE, CheckpointFolder.WEIGHTS), names(checkpoints));
    }

    @Test
    void failedWriteLeavesTheLastGoodOne() throws IOException {
        var checkpoints = new CheckpointFolder(folder);
        checkpoints.write(snapshot(1, 10), Networks.named("lenet5"));
        var state = Files.readAllBytes(checkpoints.state());
        // One tensor's memory is gone: the write fails after the header, in the middle of the data.
        Tensor gone;
        try (var arena = Arena.ofConfined()) {
            gone = Tensor.of(Shape.of(100), arena.allocate(400, 4));
        }
        var good = snapshot(2, 10);
        var broken = new Snapshot(good.network(), Map.of("a", good.parameters().get("a"), "b", gone), good.moments(), 2,
            good.options(),
            good.epoch(), good.history(), 1);
        assertThrows(IllegalStateException.class, () -> checkpoints.write(broken, Networks.named("lenet5")));
        assertArrayEquals(state, Files.readAllBytes(checkpoints.state()));
        assertEquals(List.of(CheckpointFolder.STATE, CheckpointFolder.WEIGHTS), names(checkpoints));
        assertEquals(1, checkpoints.read().orElseThrow().steps());
    }

    @Test
    void damagedOrForeignFile() throws IOException {
        var checkpoints = new CheckpointFolder(folder);
        Safetensors.write(checkpoints.state(), Map.of("a", Tensor.of(Shape.of(1), new float[1])), Map.of());
        var foreign = assertThrows(FormatException.class, checkpoints::read).getMessage();
        assertEquals(checkpoints.state()
            + ": expects a training's checkpoint: metadata: expects sextant.training.network, found none", foreign);
        checkpoints.write(snapshot(3, 1000), Networks.named("lenet5"));
        var bytes = Files.readAllBytes(checkpoints.state());
        Files.write(checkpoints.state(), Arrays.copyOf(bytes, bytes.length - 100));
        assertTrue(assertThrows(FormatException.class,
            checkpoints::read).getMessage().startsWith(checkpoints.state().toString()));
    }

    /** Another process writes checkpoint after checkpoint and is killed at some moment, again and again. */
    @Test
    void killedWriterLeavesTheLastGoodOne() throws Exception {
        var source = folder.resolve("Writer.java");
        Files.writeString(source, WRITER);
        var path = classPath();
        assertEquals(0, java("javac", "-cp", path, "-d", folder.toString(), source.toString()).inheritIO().start().waitFor());
        var saved = folder.resolve("saved");
        var checkpoints = new CheckpointFolder(saved);
        var random = new Random(1);
        long last = 0;
        for (int round = 0; round < ROUNDS; round++) {
            var writer = java("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path + File.pathSeparator + folder,
                "Writer",
                saved.toString()).redirectErrorStream(true).start();
            // Its first line says that it has written one.
            assertEquals('w', writer.getInputStream().read(), "the writer ended");
            Thread.sleep(random.nextInt(60));
            writer.destroyForcibly();
            assertTrue(writer.waitFor(20, TimeUnit.SECONDS));
            var found = checkpoints.read().orElseThrow();
            assertTrue(found.steps() > last, "goes on");
            last = found.steps();
            for (var tensors : List.of(found.parameters(), found.moments())) {
                for (var tensor : tensors.values()) {
                    for (float value : tensor.toArray()) assertEquals(last, value, "all numbers belong together");
                }
            }
            try (var weights = Safetensors.open(checkpoints.weights())) {
                var values = weights.tensor("a").toArray();
                for (float value : values) assertEquals(values[0], value);
                assertTrue(values[0] == last || values[0] == last - 1, "the weights may be those of the last but one");
            }
        }
        try (var files = Files.list(saved)) {
            assertEquals(2, files.count(), "what the killed left behind is gone");
        }
    }

    private static ProcessBuilder java(String tool, String... words) {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", tool).toString()));
        command.addAll(List.of(words));
        return new ProcessBuilder(command);
    }

    private static String classPath() throws Exception {
        var places = new LinkedHashSet<String>();
        for (var type : List.of(CheckpointFolder.class, sextant_h.class, JsonFactory.class)) {
            places.add(Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString());
        }
        return String.join(File.pathSeparator, places);
    }

    private static List<String> names(CheckpointFolder checkpoints) throws IOException {
        try (var files = Files.list(checkpoints.folder())) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static final String WRITER = """
        import dev.sextant.Shape;
        import dev.sextant.Tensor;
        import dev.sextant.models.Networks;
        import dev.sextant.train.*;
        import java.nio.file.Path;
        import java.util.*;

        class Writer {
            public static void main(String[] args) throws Exception {
                var checkpoints = new CheckpointFolder(Path.of(args[0]));
                long steps = checkpoints.read().map(Snapshot::steps).orElse(0L);
                for (boolean told = false; ; told = true) {
                    steps++;
                    var values = new float[100_000];
                    Arrays.fill(values, steps);
                    var tensor = Tensor.of(Shape.of(values.length), values);
                    checkpoints.write(new Snapshot("lenet5", Map.of("a", tensor, "b", tensor), Map.of("moment.a", tensor), steps,
                        TrainingOptions.of(3, 4, 0.5), new Snapshot.Sums(0, 0, 0), new History(List.of(), List.of()), 0),
                        Networks.named("lenet5"));
                    if (!told) {
                        System.out.print('w');
                        System.out.flush();
                    }
                }
            }
        }
        """;
}
