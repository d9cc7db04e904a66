// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import static dev.sextant.io.Archives.stored;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.DType;
import dev.sextant.Device;
import dev.sextant.GoldenFormula;
import dev.sextant.Model;
import dev.sextant.Shared;
import dev.sextant.Tensor;
import dev.sextant.models.Networks;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The resources are what make_checkpoints.py beside them makes with PyTorch. */
class PyTorchCheckpointTest {
    private static final byte[] MAGIC = "\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019.".getBytes(StandardCharsets.ISO_8859_1);

    @TempDir
    private Path folder;

    static Path resource(String name) {
        try {
            return Path.of(PyTorchCheckpointTest.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Each of a type, an order or a place of its own; the same numbers as safetensors has them. */
    @ParameterizedTest
    @ValueSource(strings = {"zip.pth", "row.pth", "zip4.pth"})
    void everyTensorEqualsItsTwin(String name) throws IOException {
        try (var weights = Weights.open(resource(name)); var twin = Weights.open(resource("twin.safetensors"))) {
            assertTwins(twin, weights);
            var copy = folder.resolve("copy.safetensors");
            Safetensors.write(copy, weights, identity(weights), Map.of(), Map.of());
            try (var copied = Weights.open(copy)) {
                assertTwins(twin, copied);
            }
        }
    }

    private static void assertTwins(Weights twin, Weights weights) {
        assertEquals(twin.keys(), weights.keys());
        assertEquals(17, twin.keys().size());
        for (var key : twin.keys()) {
            assertEquals(twin.dtype(key), weights.dtype(key), key);
            assertEquals(twin.shape(key), weights.shape(key), key);
            if (twin.dtype(key) == DType.BOOL || twin.dtype(key) == DType.U8) continue;
            assertEquals(twin.tensor(key), Tensor.of(weights.shape(key), weights.floats(key)), key);
        }
        var error = assertThrows(UnsupportedOperationException.class, () -> weights.floats("module.flags"));
        assertTrue(error.getMessage().contains("module.flags") && error.getMessage().contains("truth values"), error.getMessage());
    }

    private static Map<String, String> identity(Weights weights) {
        var keys = new TreeMap<String, String>();
        weights.keys().forEach(key -> keys.put(key, key));
        return keys;
    }

    @Test
    void float32IsMappedAndNotCopied() throws IOException {
        try (var weights = Weights.open(resource("zip.pth"))) {
            for (var key : new String[] {"plain", "parameter", "slice", "tied"}) {
                assertTrue(weights.floats("module." + key).isMapped(), key);
            }
            assertTrue(!weights.floats("module.transposed").isMapped());
        }
    }

    @ParameterizedTest
    @CsvSource({"resnet20, resnet20-12fca82f.th, resnet20-cifar10.safetensors", "lenet5_relu, lenet5-mnist.pth, lenet5-mnist.safetensors"})
    void realCheckpointsGiveTheSameLogits(String name, String file, String twin) throws IOException {
        var network = Networks.named(name);
        var input = GoldenFormula.tensor("input", network.input().prepend(1));
        var logits = new Tensor[2];
        for (int i = 0; i < 2; i++) {
            try (var model = Model.load(network, Shared.path("data/weights/" + (i == 0 ? file : twin)));
                    var predictor = model.predictor(Device.cpu(1))) {
                logits[i] = predictor.predict(input);
            }
        }
        assertEquals(logits[1], logits[0]);
    }

    // Files that nobody should trust.

    private String refusal(byte[] bytes) throws IOException {
        var file = folder.resolve("hostile.pth");
        Files.write(file, bytes);
        var message = assertThrows(FormatException.class, () -> Weights.open(file).close()).getMessage();
        assertTrue(message.startsWith(file + ": ") && !message.contains("\n"), message);
        return message.substring((file + ": ").length());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void otherNamesThanThoseOfTensorsAndContainersAreRefused() throws IOException {
        for (var call : new String[] {"cos\nsystem\nX\u0002\0\0\0ls\u0085R.", "cbuiltins\neval\n.",
            "\u008c\u0005posix\u008c\u0006system\u0093.",
            "ctorch.storage\n_load_from_bytes\n.", "cnumpy.core.multiarray\nscalar\n.", "ctorch.jit\n_pickle\n."}) {
            var message = refusal(stored("a/data.pkl", "\u0080\u0002" + call));
            assertTrue(message.contains("should name nothing but tensors and containers, found '"), message);
        }
        assertTrue(refusal(stored("a/data.pkl", "\u0080\u0002cos\nsystem\n.")).contains("'os.system'"));
        for (var opcode : new String[] {"ios\nsystem\n", "oX", "\u0082\u0001", "Pstorage\n", "\u0092"}) {
            var message = refusal(stored("a/data.pkl", "\u0080\u0002(" + opcode + "."));
            assertTrue(message.contains("binary pickle of protocol 2 to 5"), message);
        }
    }

    @Test
    void aWholeModelIsRefusedByItsClass() throws IOException {
        var message = assertThrows(FormatException.class, () -> Weights.open(resource("module.pth"))).getMessage();
        assertTrue(message.endsWith("found 'torch.nn.modules.linear.Linear': it has to be saved as model.state_dict() alone"), message);
    }

    @Test
    void whatHoldsNoTensorsIsToldByItsKeys() throws IOException {
        assertEquals("should hold a dict of tensors, model.state_dict(), found a list", refusal(stored("a/data.pkl", "\u0080\u0002].")));
        assertEquals("should hold a dict of tensors, model.state_dict(), found a dict of 'lr', a number",
            refusal(stored("a/data.pkl", "\u0080\u0002}(X\u0002\0\0\0lrK\u0001K\u0002Nu.")));
        assertEquals("a PyTorch checkpoint's archive should have an entry 'archive/data.pkl', found '../../data.pkl', 'b'",
            refusal(stored("../../data.pkl", "", "b", "")));
        assertEquals("a PyTorch checkpoint is a zip archive or begins with PyTorch's own number, found neither",
            refusal(bytes("\u0080\u0002N.")));
    }

    /** A dict that holds itself, at any depth, as a pickle can. */
    @Test
    void circlesEnd() throws IOException {
        var message = refusal(stored("a/data.pkl", "\u0080\u0002}q\0(X\u0005\0\0\0modelh\0X\u0003\0\0\0neth\0u."));
        assertTrue(message.contains("a dict of 'model', 'net'"), message);
    }

    private static String tensor(String type, String key, int count, String offset, String sizes, String strides) {
        return "\u0080\u0002}X\u0001\0\0\0wctorch._utils\n_rebuild_tensor\n((X\u0007\0\0\0storagectorch\n" + type + "\nX"
            + (char) key.length() + "\0\0\0"
            + key + "X\u0003\0\0\0cpuK" + (char) count + "tQ" + offset + sizes + strides + "tRs.";
    }

    @Test
    void viewsReachNoFurtherThanTheirStorage() throws IOException {
        var good = tensor("FloatStorage", "0", 2, "K\0", "K\u0002\u0085", "K\u0001\u0085");
        var file = folder.resolve("good.pth");
        Files.write(file, stored("a/data.pkl", good, "a/data/0", "\0\0\u0080\u003f\0\0\0\u0040"));
        try (var weights = Weights.open(file)) {
            assertEquals(new TreeSet<>(List.of("w")), weights.keys());
            assertEquals(2, weights.tensor("w").get(1));
        }
        assertTrue(refusal(stored("a/data.pkl", good, "a/data/0", "\0\0\0\0")).contains("bytes 0 to 8 of storage '0', which has 4"));
        assertTrue(refusal(stored("a/data.pkl", good, "a/data/1", "\0\0\0\0")).contains("entry 'a/data/0' should be in the archive"));
        var eight = "\0\0\0\0\0\0\0\0";
        for (var view : new String[] {tensor("FloatStorage", "0", 2, "K\u0001", "K\u0002\u0085", "K\u0001\u0085"),
            tensor("FloatStorage", "0", 2, "K\0", "K\u0002\u0085", "K\u0002\u0085"),
            tensor("FloatStorage", "0", 1, "K\0", "K\u0002\u0085", "K\u0001\u0085"),
            tensor("DoubleStorage", "0", 2, "K\0", "K\u0002\u0085", "K\u0001\u0085"),
            tensor("FloatStorage", "0", 2, "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
                "K\u0002\u0085", "K\u0001\u0085"),
            tensor("FloatStorage", "0", 2, "K\0", "J\u00ff\u00ff\u00ff\u007f\u0085",
                "\u008a\u0008\0\0\0\0\0\0\0\u0040\u0085"),
            tensor("FloatStorage", "0", 2, "K\0", "\u008a\u0008\0\0\0\0\0\0\0\u0040\u0085", "K\u0001\u0085")}) {
            assertTrue(refusal(stored("a/data.pkl", view, "a/data/0", eight)).startsWith("tensor 'w'"));
        }
        for (var view : new String[] {tensor("FloatStorage", "0", 2, "J\u00ff\u00ff\u00ff\u00ff", "K\u0002\u0085", "K\u0001\u0085"),
            tensor("FloatStorage", "0", 2, "K\0", "K\u0002\u0085", ")"),
            tensor("FloatStorage", "0", 2, "N", "K\u0002\u0085", "K\u0001\u0085")}) {
            assertTrue(refusal(stored("a/data.pkl", view, "a/data/0", eight))
                .contains("'torch._utils._rebuild_tensor' with what it takes"));
        }
        assertTrue(refusal(stored("a/data.pkl", good, "a/data/0", eight, "a/byteorder", "big")).contains("a/byteorder"));
    }

    /** One byte in the file, as many in memory as one cares to write down. */
    @Test
    void repeatedElementsAreHeldAgainstTheFile() throws IOException {
        var view = tensor("HalfStorage", "0", 1, "K\0", "J\0\0\0\u007fJ\0\0\0\u007f\u0086", "K\0K\0\u0086");
        var message = refusal(stored("a/data.pkl", view, "a/data/0", "\0\0"));
        assertTrue(message.contains("in keeping with the file's"), message);
        message = refusal(stored("a/data.pkl", "\u0080\u0002" + "}".repeat(100_000)));
        assertTrue(message.contains("in keeping with the file's"), message);
        message = refusal(stored("a/data.pkl", "\u0080\u0002X\u00ff\u00ff\u00ff\u00ff"));
        assertTrue(message.contains("followed by 4294967295 bytes, found 0"), message);
        message = refusal(stored("a/data.pkl", "\u0080\u0002Nr\u00ff\u00ff\u00ff\u007f."));
        assertTrue(message.contains("number objects one by one"), message);
    }

    @Test
    void damagedArchivesAreToldApart() throws IOException {
        var whole = Files.readAllBytes(resource("zip.pth"));
        assertTrue(refusal(Arrays.copyOf(whole, whole.length - 100)).contains("should end with its directory"));
        var packed = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(packed)) {
            zip.putNextEntry(new ZipEntry("a/data.pkl"));
            zip.write(new byte[1000]);
        }
        assertEquals("entry 'a/data.pkl' should be stored as it is, as PyTorch does, found compression method 8",
            refusal(packed.toByteArray()));
    }

    @Test
    void damagedRowsAreToldApart() throws IOException {
        assertTrue(refusal(MAGIC).contains("the pickle at byte 15 should be followed by 1 bytes, found 0"));
        var whole = Files.readAllBytes(resource("row.pth"));
        assertTrue(refusal(Arrays.copyOf(whole, whole.length - 4)).contains("but the file has"));
    }
}
