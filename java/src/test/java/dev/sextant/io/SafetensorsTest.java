// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.DType;
import dev.sextant.Shape;
import dev.sextant.Shared;
import dev.sextant.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
    @TempDir
    Path folder;

    private static float[] floats(Weights weights, String key) {
        return weights.floats(key).toArray(ValueLayout.JAVA_FLOAT);
    }

    /** A file of the given header and data. */
    private Path file(String header, byte[] data) throws IOException {
        var path = folder.resolve("f.safetensors");
        Files.write(path, bytes(header, data));
        return path;
    }

    static byte[] bytes(String header, byte[] data) {
        var json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length).put(json).put(data).array();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        var file = folder.resolve("a.safetensors");
        var tensors = Map.of(
            "b", Tensor.of(Shape.of(2, 3), new float[] {1, -2, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE, -0f}),
            "a", Tensor.of(Shape.of(), new float[] {7}),
            "empty", Tensor.of(Shape.of(0, 4), new float[0]));
        Safetensors.write(file, tensors, Map.of("note", "größer \"quoted\"\n"));
        try (var weights = Safetensors.open(file)) {
            assertEquals(new TreeSet<>(tensors.keySet()), weights.keys());
            assertEquals(Map.of("note", "größer \"quoted\"\n"), weights.metadata());
            assertEquals(file.toString(), weights.source());
            for (var key : tensors.keySet()) {
                assertEquals(tensors.get(key).shape(), weights.shape(key));
                assertEquals(DType.F32, weights.dtype(key));
                assertEquals(tensors.get(key), Tensor.of(weights.shape(key), weights.floats(key)), key);
            }
            assertTrue(weights.floats("b").isMapped(), "float32 is not copied");
            assertTrue(weights.floats("b").isReadOnly());
            var before = floats(weights, "b");
            weights.unload();
            assertArrayEquals(before, floats(weights, "b"), "what was unloaded comes back");
        }
        try (var names = Files.list(folder)) {
            assertEquals(List.of(file), names.toList(), "no temporary file stays behind");
        }
    }

    @Test
    void aFailedWriteKeepsTheOldFile() throws IOException {
        var file = folder.resolve("a.safetensors");
        Files.writeString(file, "old");
        assertThrows(IllegalArgumentException.class,
            () -> Safetensors.write(file, Map.of("__metadata__", Tensor.of(Shape.of(1), new float[1])), Map.of()));
        assertEquals("old", Files.readString(file));
        assertThrows(IOException.class, () -> Safetensors.write(folder.resolve("none/a"), Map.of(), Map.of()));
    }

    @Test
    void everyHalfAndBfloat16Converts() throws IOException {
        var data = little(2 * 2 * 65536);
        for (int i = 0; i < 65536; i++) data.putShort(2 * i, (short) i).putShort(2 * (65536 + i), (short) i);
        var file = file("""
            {"h":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]},
             "b":{"dtype":"BF16","shape":[65536],"data_offsets":[131072,262144]}}""", data.array());
        try (var weights = Safetensors.open(file)) {
            var half = floats(weights, "h");
            var brain = floats(weights, "b");
            for (int i = 0; i < 65536; i++) {
                assertEquals(half(i), half[i], "binary16 " + i);
                assertEquals(Float.intBitsToFloat(i << 16), brain[i], "bfloat16 " + i);
            }
            assertEquals(0x1p-24f, half[1], "smallest subnormal");
            assertEquals(weights.floats("h").address(), weights.floats("h").address(), "converted once");
        }
    }

    /** IEEE 754 binary16, from its definition. */
    private static float half(int bits) {
        int sign = bits >> 15 == 0 ? 1 : -1;
        int exponent = bits >> 10 & 31;
        int fraction = bits & 1023;
        if (exponent == 31) return fraction == 0 ? sign * Float.POSITIVE_INFINITY : Float.NaN;
        return exponent == 0 ? sign * (float) (fraction * 0x1p-24) : sign * (float) ((1024 + fraction) * Math.pow(2, exponent - 25));
    }

    @Test
    void otherTypesConvertOrRefuse() throws IOException {
        var data = little(8 + 6 + 8 + 8 + 4 + 8 + 3);
        data.putDouble(0.1).put(new byte[] {1, -2, 127, -128, 5, 6}).putFloat(0.5f).putFloat(-2).putLong(1234567);
        data.put(new byte[] {3, 4, 5, 6}).putLong(1).put(new byte[] {1, 0, 1});
        var file = file("""
            {"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},
             "q":{"dtype":"I8","shape":[2,3],"data_offsets":[8,14]},
             "q_scale":{"dtype":"F32","shape":[2],"data_offsets":[14,22]},
             "n.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[22,30]},
             "u":{"dtype":"U8","shape":[4],"data_offsets":[30,34]},
             "p":{"dtype":"I8","shape":[8],"data_offsets":[34,42]},
             "t":{"dtype":"BOOL","shape":[3],"data_offsets":[42,45]}}""", data.array());
        try (var weights = Safetensors.open(file)) {
            assertEquals(new TreeSet<>(List.of("d", "q", "n.num_batches_tracked", "u", "p", "t")), weights.keys(), "a scale is not listed");
            assertArrayEquals(new float[] {0.1f}, floats(weights, "d"));
            assertArrayEquals(new float[] {0.5f, -1, 63.5f, 256, -10, -12}, floats(weights, "q"), "a scale for each output channel");
            assertArrayEquals(new float[] {1234567}, floats(weights, "n.num_batches_tracked"));
            assertEquals(DType.U8, weights.dtype("u"));
            for (var key : List.of("u", "p", "t")) {
                var e = assertThrows(UnsupportedOperationException.class, () -> weights.floats(key));
                assertTrue(e.getMessage().startsWith(file + ": tensor '" + key + "' should hold real numbers, found "), e.getMessage());
            }
        }
    }

    @Test
    void aMisalignedFileIsCopied() throws IOException {
        var file = file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} ",
            little(8).putFloat(1.5f).putFloat(-3).array());
        assertFalse(Files.size(file) % 4 == 0, "the data begins at an odd place");
        try (var weights = Safetensors.open(file)) {
            assertArrayEquals(new float[] {1.5f, -3}, floats(weights, "a"));
            assertEquals(0, weights.floats("a").address() % 4);
        }
    }

    @Test
    void closedWeightsSaySo() throws IOException {
        var weights = Safetensors.open(file("{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}", new byte[2]));
        var kept = weights.floats("a");
        weights.close();
        weights.close();
        var e = assertThrows(IllegalStateException.class, () -> weights.floats("a"));
        assertEquals(weights.source() + ": the weights are closed", e.getMessage());
        assertThrows(IllegalStateException.class, weights::keys);
        assertThrows(IllegalStateException.class, () -> kept.get(ValueLayout.JAVA_FLOAT, 0));
    }

    @Test
    void tensorsInMemoryAreWeights() {
        var tensor = Tensor.of(Shape.of(2), new float[] {1, 2});
        try (var weights = Weights.of(Map.of("a", tensor), "memory")) {
            assertEquals(tensor, weights.tensor("a"));
            assertTrue(weights.floats("a").isNative());
            assertArrayEquals(new float[] {1, 2}, floats(weights, "a"));
            assertEquals("memory: no tensor is called 'b'", assertThrows(IllegalArgumentException.class, () -> weights.shape("b")).getMessage());
        }
    }

    @Test
    void anUnknownKeyIsNamed() throws IOException {
        try (var weights = Safetensors.open(file("{}", new byte[0]))) {
            var e = assertThrows(IllegalArgumentException.class, () -> weights.shape("x"));
            assertEquals(weights.source() + ": no tensor is called 'x'", e.getMessage());
        }
    }

    /** Each malformed header, over four data bytes, and what its message must say. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
        []                                                                         | header should begin with '{', found byte 0x5b
        {"a":                                                                      | not valid JSON
        {"a":1}                                                                    | 'a' should be an object with dtype, shape and data_offsets, found '1'
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x                   | not valid JSON
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} {}                  | one JSON object, but more text follows
        {"a":{"shape":[1],"data_offsets":[0,4]}}                                   | 'a': expected dtype, shape and data_offsets, found no dtype
        {"a":{"dtype":"F32","data_offsets":[0,4]}}                                 | found no shape
        {"a":{"dtype":"F32","shape":[1]}}                                          | found no data_offsets
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}               | found 'x'
        {"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}                 | dtype should be one of [F32, F16, BF16, F64, I8, U8, I16, I32, I64, BOOL], found 'F8_E4M3'
        {"a":{"dtype":3,"shape":[4],"data_offsets":[0,4]}}                         | dtype should be text, found '3'
        {"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}                       | shape should be a list of integers, found '1'
        {"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}                   | shape should be a list of integers, found '1.0'
        {"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}                    | shape should have dimensions from 0 to 2147483647
        {"a":{"dtype":"F32","shape":[4294967297],"data_offsets":[0,4]}}            | shape should have dimensions from 0 to 2147483647
        {"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}} | fewer than 2^63 bytes
        {"a":{"dtype":"F64","shape":[2147483647,1073741824],"data_offsets":[0,4]}} | fewer than 2^63 bytes
        {"a":{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]}}  | shape should hold integers under 2^63, found '18446744073709551617'
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}                       | data_offsets should be [begin, end]
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}                    | data_offsets should be [begin, end]
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}                     | data_offsets should be [begin, end]
        {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}                     | 'a': F32 of shape 2 takes 8 bytes, but data_offsets [0, 4] hold 4
        {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}                     | 'a': data_offsets [0, 8] reach past the file's 4 data bytes
        {"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}                      | tensors end at byte 2 of the data, but the file has 4
        {"a":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}                      | 'a': data_offsets [3, 4] leave a hole: expected to begin at 0
        {"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}} | 'b': data_offsets [2, 4] overlap tensor 'a', which ends at 3
        {"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}} | Duplicate
        {"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}       | Duplicate
        {"__metadata__":{"x":1},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | __metadata__ 'x' should be text, found '1'
        {"__metadata__":[],"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   | __metadata__ should be an object of text values, found a list
        {"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"a_scale":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}} | 'a_scale' should hold 1 or 0 real numbers, found I32 of shape 1
        """)
    void malformedHeadersAreNamed(String header, String said) throws IOException {
        var file = file(header, new byte[4]);
        var e = assertThrows(FormatException.class, () -> Safetensors.open(file).close());
        assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().contains(said), e.getMessage());
        assertFalse(e.getMessage().contains("\n"));
    }

    @Test
    void headerLengthsAreChecked() throws IOException {
        var file = folder.resolve("f.safetensors");
        for (long length : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001, 3, 1, 0}) {
            Files.write(file, little(10).putLong(length).put((byte) '{').put((byte) '}').array());
            var e = assertThrows(FormatException.class, () -> Safetensors.open(file).close());
            assertTrue(e.getMessage().startsWith(file + ": header length "), e.getMessage());
        }
        Files.write(file, new byte[7]);
        assertThrows(FormatException.class, () -> Safetensors.open(file).close());
    }

    @Test
    void gzipIsUnpackedAndABombIsNot() throws IOException {
        var good = bytes("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", little(4).putFloat(2.5f).array());
        try (var weights = Safetensors.open(packed(good))) {
            assertArrayEquals(new float[] {2.5f}, floats(weights, "a"));
        }
        var huge = bytes("{\"a\":{\"dtype\":\"U8\",\"shape\":[1000000000],\"data_offsets\":[0,1000000000]}}", new byte[10]);
        var longer = java.util.Arrays.copyOf(good, good.length + 1);
        var shorter = java.util.Arrays.copyOf(good, good.length - 1);
        for (var bad : List.of(huge, longer, shorter, new byte[3])) {
            var e = assertThrows(FormatException.class, () -> Safetensors.open(packed(bad)).close());
            assertTrue(e.getMessage().contains(".safetensors.gz: "), e.getMessage());
        }
        var file = folder.resolve("plain.safetensors.gz");
        Files.write(file, good);
        assertThrows(FormatException.class, () -> Safetensors.open(file).close(), "not a gzip file");
        var cut = Files.readAllBytes(packed(good));
        Files.write(file, java.util.Arrays.copyOf(cut, cut.length / 2));
        assertThrows(FormatException.class, () -> Safetensors.open(file).close(), "a gzip file cut off");
    }

    private Path packed(byte[] bytes) throws IOException {
        var path = folder.resolve("f.safetensors.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(path))) {
            out.write(bytes);
        }
        return path;
    }

    @Test
    void realCheckpointsOpen() throws IOException {
        try (var weights = Safetensors.open(Shared.path("data/weights/resnet50-imagenet-int8.safetensors.gz"))) {
            assertEquals(108, weights.keys().size(), "54 weights and biases, scales not listed");
            assertEquals(Shape.of(64, 3, 7, 7), weights.shape("conv1.weight"));
            assertEquals(DType.I8, weights.dtype("conv1.weight"));
            assertEquals(64 * 3 * 7 * 7, floats(weights, "conv1.weight").length);
        }
        try (var weights = Safetensors.open(Shared.path("data/weights/resnet20-cifar10.safetensors"))) {
            assertEquals(Shape.of(16, 3, 3, 3), weights.shape("module.conv1.weight"));
        }
    }

    @Test
    void fewerBits(@TempDir Path folder) throws IOException {
        var tensors = Map.of("conv.weight", Tensor.of(Shape.of(2, 3), new float[] {1, -0.5f, 0.25f, 100, -50, 25}),
            "conv.bias", Tensor.of(Shape.of(2), new float[] {0.1f, 0.2f}));
        var half = folder.resolve("half.safetensors");
        Safetensors.writeHalf(half, tensors, Map.of("made by", "a test"));
        try (var weights = Safetensors.open(half)) {
            assertEquals(DType.F16, weights.dtype("conv.bias"));
            assertEquals(0.1f, weights.tensor("conv.bias").get(0), 0.1f / 2048);
            assertEquals(tensors.get("conv.weight"), weights.tensor("conv.weight"));
            assertEquals(Map.of("made by", "a test"), weights.metadata());
        }
        var bytes = folder.resolve("bytes.safetensors");
        Safetensors.writeBytes(bytes, tensors, Map.of());
        try (var weights = Safetensors.open(bytes)) {
            assertEquals(DType.I8, weights.dtype("conv.weight"));
            assertEquals(tensors.get("conv.bias"), weights.tensor("conv.bias"));
            for (int i = 0; i < 6; i++) {
                float expected = tensors.get("conv.weight").get(i), step = (i < 3 ? 1 : 100) / 127f;
                assertEquals(expected, weights.tensor("conv.weight").get(i), 0.51f * step, "a step for each row");
            }
        }
        try (var weights = Safetensors.read(Files.readAllBytes(half), "memory")) {
            assertEquals(tensors.get("conv.weight"), weights.tensor("conv.weight"));
        }
        assertThrows(FormatException.class, () -> Safetensors.read(new byte[3], "memory"));
    }
}
