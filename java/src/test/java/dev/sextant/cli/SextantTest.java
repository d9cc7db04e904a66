// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Device;
import dev.sextant.DeviceException;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What all commands have in common. */
class SextantTest {
    @ParameterizedTest
    @ValueSource(strings = {"classify", "forward", "bench", "profile", "summary", "models", "devices"})
    void everyCommandHasHelpWithAnExample(String command) {
        var help = String.join("\n", Ran.of(command, "--help").lines());
        assertTrue(help.startsWith("Usage: sextant " + command), help);
        assertTrue(help.contains("\nExample:\n  sextant " + command), help);
        assertTrue(help.lines().allMatch(line -> line.length() <= 100), help);
    }

    @Test
    void helpListsTheCommands() {
        var help = Ran.of("--help").lines();
        for (var command : Sextant.commandLine().getSubcommands().keySet()) {
            assertTrue(help.stream().anyMatch(line -> line.startsWith("  " + command + " ")), () -> command + " in " + help);
        }
    }

    @Test
    void version() {
        var lines = Ran.of("--version").lines();
        assertEquals(1, lines.size());
        assertTrue(lines.getFirst().startsWith("sextant "), lines.getFirst());
        assertEquals(lines, Ran.of("bench", "--version").lines());
    }

    @Test
    void withoutCommandTheHelpIsAUsageError() {
        var ran = Ran.of();
        assertEquals(2, ran.status());
        assertEquals("", ran.out());
        assertTrue(ran.err().startsWith("Usage: sextant"), ran.err());
    }

    @Test
    void misspellingsAreUsageErrorsWithSuggestions() {
        Ran.of("clasify", "cat.jpg").fails(2, "'clasify'", "did you mean classify");
        Ran.of("models", "--jsn").fails(2, "'--jsn'", "see 'sextant models --help'");
        Ran.of("bench").fails(2, "Missing required parameter: 'M'");
        Ran.of("summary", "resnet5").fails(2, "unknown network 'resnet5'", "resnet50");
        Ran.of("classify", "cat.jpg", "--model", "vgg61", "--weights", "f").fails(2, "unknown network 'vgg61'", "vgg16");
        Ran.of("forward", "lenet", "--weights", "f", "--input", "x", "--output", "y").fails(2, "unknown network 'lenet'", "lenet5");
    }

    @Test
    void numbersOutOfRangeAreUsageErrors() {
        Ran.of("bench", "lenet5", "--threads", "0").fails(2, "--threads: expects at least 1, found 0");
        Ran.of("bench", "lenet5", "--threads", "-1").fails(2, "--threads: expects at least 1, found -1");
        Ran.of("bench", "lenet5", "--threads", "two").fails(2, "--threads", "'two' is not an int");
        Ran.of("bench", "lenet5", "--batch", "4,0").fails(2, "--batch: expects at least 1, found 0");
        Ran.of("bench", "lenet5", "--seconds", "-1").fails(2, "--seconds: expects 0 to 86400, found -1.0");
        Ran.of("bench", "lenet5", "--seconds", "NaN").fails(2, "--seconds: expects 0 to 86400, found NaN");
        Ran.of("bench", "lenet5", "--precision", "fp64").fails(2, "expects fp32, strict, tf32, bf16, fp16 or int8, found 'fp64'");
        Ran.of("classify", "x.jpg", "--model", "lenet5", "--weights", "f", "--top", "0").fails(2, "--top: expects at least 1, found 0");
    }

    @Test
    void devicesAreChosenByName() {
        Ran.of("bench", "lenet5", "--device", "gpu").fails(2, "--device: expects cpu, cuda or cuda:N, found 'gpu'");
        Ran.of("bench", "lenet5", "--device", "cuda:").fails(2, "--device: expects cpu, cuda or cuda:N, found 'cuda:'");
        for (var command : List.of("bench lenet5", "profile lenet5")) {
            Ran.of((Object[]) (command + " --device cuda:0 --threads 2").split(" ")).fails(2, "--threads: is for --device cpu, a GPU takes none");
        }
        Ran.of("bench", "lenet5", "--resident", "--seconds", "0").fails(2, "--resident: is for --device cuda");
        assertTrue(Ran.of("bench", "lenet5", "--device", "cpu", "--seconds", "0").lines().size() > 1);
    }

    @Test
    void precisionsOfAnotherDeviceAreRefused() {
        Ran.of("bench", "lenet5", "--precision", "tf32", "--seconds", "0").fails(1, "precision: tf32 needs a CUDA device");
        Ran.of("bench", "lenet5", "--precision", "fp16", "--train", "--seconds", "0").fails(1, "training expects fp32, strict, tf32 or bf16");
    }

    @Test
    void withoutGpuOneLineSaysWhy() {
        try {
            Device.cudaCount();
            Assumptions.abort("there is a GPU");
        } catch (DeviceException e) {
            Ran.of("bench", "lenet5", "--device", "cuda", "--seconds", "0").fails(1, "sextant: cuda: ");
            var lines = Ran.of("devices").lines();
            assertTrue(lines.get(lines.indexOf("cuda") + 1).startsWith("  none          cuda: "), lines::toString);
        }
    }

    @Test
    void faultsOfTheProgramItselfAreOneLineToo() {
        var unexpected = Failure.sentence(new ClassCastException("a\nb"));
        assertTrue(unexpected.contains("ClassCastException: a b") && unexpected.contains("report"), unexpected);
        assertTrue(Failure.sentence(new OutOfMemoryError("Java heap space")).contains("not enough memory"));
        assertEquals("library: gone", Failure.sentence(new ExceptionInInitializerError(new UnsatisfiedLinkError("library: gone"))));
    }
}
