// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.io.Archives;
import dev.sextant.io.FormatException;
import dev.sextant.io.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one or a few bytes of a pickle make is much more than these bytes; many of them are held against the file's size. */
class PickleMemoryTest {
    private static final int BYTES = 1 << 20;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {
        "}", "]", ")", "N", "(", "K\5", "M\u00ff\u00ff", "G\0\0\0\0\0\0\0\0", "(t", "(d", "N0", "N\u0085", "N2", "Nq\0",
        "N\u0094", "]Na", "}NNs", "](NNNNNNNNe", "X\0\0\0\0", "C\0", "\u008c\1a", "\u008f", "ccollections\nOrderedDict\n)R",
        "N\u00850", "]0", "}(u", "](e", "\u008a\3abc", "\u0095\0\0\0\0\0\0\0\0"})
    void smallOpcodesInLargeNumbers(String opcodes) throws IOException {
        measure("\u0080\2" + opcodes.repeat(BYTES / opcodes.length()));
    }

    /** The stack machine keeps going: what it pops is garbage, but has been taken. */
    @ParameterizedTest
    @ValueSource(strings = {"Na", "(NNNNe", "(e"})
    void oneListThatGrows(String opcodes) throws IOException {
        measure("\u0080\2]" + opcodes.repeat(BYTES / opcodes.length()) + ".");
    }

    @ParameterizedTest
    @ValueSource(strings = {"NNs", "(NNNNu", "(u", "h\0h\1h\2Rs", "\u008c\1ah\1h\2Rs"})
    void oneDictThatGrows(String opcodes) throws IOException {
        var begin = "\u0080\2X\1\0\0\0aq\0" + "0ctorch._utils\n_rebuild_tensor\nq\1"
            + "0((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" + "0X\3\0\0\0cpuK\1tQK\0))tq\2" + "0}";
        measure(begin + opcodes.repeat(BYTES / opcodes.length()) + ".");
    }

    private void measure(String pickle) throws IOException {
        var file = folder.resolve("f.pth");
        Files.write(file, Archives.stored("a/data.pkl", pickle, "a/data/0", "\0\0\0\0"));
        open(file); // loads classes
        long before = Memory.allocated();
        open(file);
        long taken = Memory.allocated() - before;
        assertTrue(taken < 10 * Files.size(file) + BYTES, () -> taken + " bytes for a file of " + pickle.length());
    }

    private static void open(Path file) throws IOException {
        try (var weights = Weights.open(file)) {
            for (var key : weights.keys()) weights.floats(key);
        } catch (FormatException e) {
            assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
        }
    }
}
