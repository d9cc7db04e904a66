// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTest {
    @TempDir
    Path folder;

    private Path file(int version, String header, byte[] data) throws IOException {
        var text = header.getBytes(StandardCharsets.UTF_8);
        var buffer = ByteBuffer.allocate(12 + text.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
        if (version == 1) buffer.putShort((short) text.length);
        else buffer.putInt(text.length);
        buffer.put(text).put(data);
        var path = folder.resolve("a.npy");
        Files.write(path, Arrays.copyOf(buffer.array(), buffer.position()));
        return path;
    }

    private static String header(String descr, String shape) {
        return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
    }

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        for (var shape : new Shape[] {Shape.of(), Shape.of(3), Shape.of(2, 3, 1, 4), Shape.of(0, 2)}) {
            var values = new float[(int) shape.elements()];
            for (int i = 0; i < values.length; i++) values[i] = i - 0.5f;
            var file = folder.resolve("b.npy");
            Npy.write(file, Tensor.of(shape, values));
            assertEquals(Tensor.of(shape, values), Npy.read(file));
            assertEquals(0, (Files.size(file) - 4 * values.length) % 64, "the data is aligned as NumPy aligns it");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyVersionReads(int version) throws IOException {
        var data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(1).putFloat(2).array();
        assertArrayEquals(new float[] {1, 2}, Npy.read(file(version, header("<f4", "(2,)"), data)).toArray());
    }

    @ParameterizedTest
    @CsvSource({"<f4, 1.5, 0000c03f", ">f4, 1.5, 3fc00000", "<f2, -2, 00c0", ">f2, -2, c000", "<f8, 0.1, 9a9999999999b93f", ">f8, 0.1, 3fb999999999999a",
        "|i1, -1, ff", "|u1, 255, ff", "|b1, 1, 01", "<i2, -2, feff", ">u2, 65535, ffff", "<i4, -3, fdffffff", "<u4, 4294967295, ffffffff",
        ">i8, -4, fffffffffffffffc", "<u8, 18446744073709551615, ffffffffffffffff", "<u8, 9223372036854775807, ffffffffffffff7f"})
    void everyTypeConverts(String descr, float value, String hex) throws IOException {
        assertArrayEquals(new float[] {value}, Npy.read(file(1, header(descr, "(1,)"), java.util.HexFormat.of().parseHex(hex))).toArray());
    }

    @Test
    void fortranOrderIsTransposed() throws IOException {
        // Element (i, j, k) holds 100 i + 10 j + k; the file's first index runs fastest.
        var data = ByteBuffer.allocate(24);
        for (int k = 0; k < 4; k++) for (int j = 0; j < 3; j++) for (int i = 0; i < 2; i++) data.put((byte) (100 * i + 10 * j + k));
        var tensor = Npy.read(file(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}", data.array()));
        for (int e = 0; e < 24; e++) assertEquals(100 * (e / 12) + 10 * (e / 4 % 3) + e % 4, tensor.get(e));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '!', quoteCharacter = '`', textBlock = """
        {'descr': '<f4', 'shape': (1,)}                                 ! should give fortran_order
        {'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)} ! should give descr
        {'descr': '<c8', 'fortran_order': False, 'shape': (1,)}         ! found '<c8'
        {'descr': '|O', 'fortran_order': False, 'shape': (1,)}          ! found '|O'
        {'descr': '|f1', 'fortran_order': False, 'shape': (1,)}         ! found '|f1'
        {'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}        ! should give shape
        {'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,)} ! sizes under 2^31
        {'descr': '<f4', 'fortran_order': False, 'shape': (2,)}         ! shape 2 should take 2 elements of 4 bytes, the file has 4 bytes
        {'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647)} ! sizes under 2^31
        rubbish                                                         ! should give descr of a plain array, found 'rubbish'
        """)
    void malformedFilesAreNamed(String header, String said) throws IOException {
        var file = file(1, header, new byte[4]);
        var e = assertThrows(FormatException.class, () -> Npy.read(file));
        assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().contains(said), e.getMessage());
    }

    @Test
    void damagedFilesReadOrAreRefused() throws IOException {
        var valid = Files.readAllBytes(file(1, header("<f4", "(2, 3)"), new byte[24]));
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            var bytes = Arrays.copyOf(valid, i % 3 == 0 ? random.nextInt(valid.length + 8) : valid.length);
            for (int k = 0; k < i % 4 && bytes.length > 0; k++) bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            try {
                Npy.parse("f.npy", MemorySegment.ofArray(bytes));
            } catch (FormatException e) {
                assertTrue(e.getMessage().startsWith("f.npy: "), e.getMessage());
            }
        }
    }

    @Test
    void aMissingFolderIsNamed() {
        var file = folder.resolve("none/y.npy");
        var error = assertThrows(IOException.class, () -> Npy.write(file, Tensor.of(Shape.of(1), new float[1])));
        assertEquals(file + ": cannot be written, its folder does not exist", error.getMessage());
    }
}
