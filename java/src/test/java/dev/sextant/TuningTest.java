// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Tuning.Choice;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Graphs;
import dev.sextant.graph.Pass;
import dev.sextant.graph.Storage.Order;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TuningTest {
    private static final Device.Info MACHINE = new Device.Info("cpu", Device.Kind.CPU, "avx512", Order.NCHW16C, 2, 2, "A Processor, 3 GHz", 0);
    private static Device device;
    /** Three convolutions, the last two of which are one and the same problem. */
    private static Graph graph;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
        graph = Graph.of(seq(conv(64, 3).pad(1), relu(), conv(64, 3).pad(1), relu(), conv(64, 3).pad(1), relu(), globalAvgPool()),
            Shape.of(1, 64, 20, 20)).tapping(List.of()).through(Pass.inference(device.info().order()));
    }

    @AfterAll
    static void close() {
        device.close();
    }

    /** What tuning made of the graph. */
    private record Tuned(List<String> implementations, List<String> notes) {}

    private Tuned tuned(Precision precision) {
        var tuning = new Tuning(device, graph, folder);
        try (var plan = new Plan(device, graph, Graphs.FORMULA, precision, tuning);
                var predictor = new Predictor(plan, graph.input().shape(), () -> { })) {
            predictor.profile();
            return new Tuned(predictor.steps().stream().filter(step -> step.operation().contains("conv")).map(Predictor.Step::implementation)
                .toList(), predictor.notes());
        }
    }

    private TuningFile file() {
        return TuningFile.of(folder, device.info());
    }

    @Test
    void aChoiceIsKeptAndObeyed() throws IOException {
        var first = tuned(Precision.FP32);
        var problems = file().read();
        assertFalse(problems.isEmpty(), "no convolution had a choice");
        assertTrue(problems.size() <= 2, () -> "equal problems are timed once: " + problems.keySet());
        assertEquals(1, first.notes().size());
        assertTrue(first.notes().getFirst().matches("tuning: timed " + problems.size() + " convolutions? in [\\d.]+ s, kept in .*"),
            first.notes().getFirst());
        problems.values().forEach(choice -> choice.microseconds().values().forEach(time ->
            assertTrue(choice.microseconds().get(choice.implementation()) <= time, choice::toString)));
        assertEquals(new Tuned(first.implementations(), List.of()), tuned(Precision.FP32));

        // A file that prefers the others shows that it is read.
        problems.replaceAll((_, choice) -> new Choice(choice.microseconds().keySet().stream()
            .filter(name -> !name.equals(choice.implementation())).findFirst().orElseThrow(), choice.microseconds()));
        file().add(problems);
        var second = tuned(Precision.FP32);
        assertEquals(List.of(), second.notes());
        assertFalse(first.implementations().contains(second.implementations().getLast()), second::toString);
    }

    @Test
    void strictNeverGetsWinograd() throws IOException {
        tuned(Precision.FP32);
        // Not even from a file that says so.
        var all = new TreeMap<>(file().read());
        for (var problem : List.copyOf(all.keySet())) {
            all.put(problem.replaceFirst("(, weights from memory)?$", ", strict$1"), new Choice("winograd", Map.of("winograd", 1.0)));
        }
        file().add(all);
        var strict = tuned(Precision.STRICT);
        assertEquals(3, strict.implementations().size());
        assertTrue(strict.implementations().stream().noneMatch(name -> name.contains("winograd")), strict::toString);
    }

    @Test
    void aBrokenFileIsSaidAndReplaced() throws IOException {
        tuned(Precision.FP32);
        var whole = Files.readString(file().path());
        for (var broken : List.of("", "no JSON\n", whole.substring(0, whole.length() / 2), whole + "{\"problem\":7}\n", whole + "[]\n", "\0\uFFFF",
            whole.replace("\"threads\":\"2\"", "\"threads\":\"64\""), whole.replaceFirst("\"sextant\":\"", "\"sextant\":\"9"))) {
            Files.writeString(file().path(), broken);
            var notes = tuned(Precision.FP32).notes();
            if (!broken.isEmpty()) {
                assertEquals(2, notes.size(), notes::toString);
                assertTrue(notes.getFirst().startsWith("tuning: " + file().path() + " is not of this version and machine, line "), notes.getFirst());
            }
            assertTrue(notes.getLast().contains("kept in"), notes::toString);
            assertFalse(file().read().isEmpty());
        }
    }

    @Test
    void withoutAPlaceToKeepItTuningStillWorks() throws IOException {
        Files.writeString(folder.resolve("tuning"), "a file where the folder should be");
        var tuned = tuned(Precision.FP32);
        assertEquals(3, tuned.implementations().size());
        assertTrue(tuned.notes().getLast().contains(", for this run alone, because " + file().path() + " cannot be written ("),
            tuned.notes()::toString);
    }

    @Test
    void withoutTuningTheFileIsNotRead() throws IOException {
        Files.createDirectories(file().path().getParent());
        Files.writeString(file().path(), "broken");
        try (var plan = new Plan(device, graph, Graphs.FORMULA, Precision.FP32, null)) {
            assertEquals(List.of(), plan.notes());
        }
        assertEquals("broken", Files.readString(file().path()));
    }

    @Test
    void filesAreAddedToAndReadable() throws IOException {
        var file = TuningFile.of(folder, MACHINE);
        assertTrue(file.path().toString().endsWith("-a-processor-3-ghz-avx512-2.jsonl"), file.path().toString());
        assertEquals(Map.of(), file.read());
        var one = new Choice("fast", Map.of("fast", 1.25, "slow", 20.0));
        var other = new Choice("slow", Map.of("fast", 3.5, "slow", 3.0));
        file.add(Map.of("2x3", one));
        file.add(Map.of("1x3 \"é\"", other));
        assertEquals(Map.of("2x3", one, "1x3 \"é\"", other), file.read());
        var lines = Files.readAllLines(file.path());
        assertEquals(3, lines.size());
        assertTrue(lines.get(0).contains("\"processor\":\"A Processor, 3 GHz\""), lines.get(0));
        assertTrue(lines.get(2).contains("{\"problem\":\"2x3\",\"chosen\":\"fast\",\"microseconds\":{"), lines.get(2));
        try (var left = Files.list(file.path().getParent())) {
            assertEquals(1, left.count(), "nothing half written stays behind");
        }
        Files.writeString(file.path(), lines.get(0) + "\n{\"problem\":\"2x3\",\"chosen\":\"unheard of\",\"microseconds\":{\"fast\":1}}");
        assertTrue(assertThrows(IOException.class, file::read).getMessage().contains("line 2"), "a choice that was not timed");
    }
}
