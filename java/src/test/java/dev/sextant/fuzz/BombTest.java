// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.data.Dataset;
import dev.sextant.image.Golden;
import dev.sextant.image.Picture;
import dev.sextant.io.FormatException;
import dev.sextant.io.Npy;
import dev.sextant.io.Safetensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.function.Executable;

/** Small files that claim to be large ones are refused before memory is taken for the claim. */
class BombTest {
    @TempDir
    Path folder;

    /** The message of the refusal, which took hardly any memory. */
    private static String refused(long most, Executable reading) {
        assertThrows(FormatException.class, reading);
        long before = Memory.allocated();
        var message = assertThrows(FormatException.class, reading).getMessage();
        long taken = Memory.allocated() - before;
        assertTrue(taken < most, taken + " bytes taken: " + message);
        return message;
    }

    /** Sides of 8,000 written over those of a small picture, at a byte of the one of this name. */
    private static void picture(String name, int width, int height, ByteOrder order, boolean ints) throws IOException {
        var bytes = ByteBuffer.wrap(Golden.file(name).clone()).order(order);
        if (ints) bytes.putInt(width, 8000).putInt(height, 8000);
        else bytes.putShort(width, (short) 8000).putShort(height, (short) 8000);
        var message = refused(1 << 20, () -> Picture.decode(name, bytes.array()));
        assertTrue(message.contains("8000x8000"), message);
    }

    @Test
    void pictures() throws IOException {
        picture("rgb.png", 16, 20, ByteOrder.BIG_ENDIAN, true);
        picture("rgb.bmp", 18, 22, ByteOrder.LITTLE_ENDIAN, true);
        for (var name : new String[] {"rgb.jpg", "progressive.jpg"}) {
            int frame = find(Golden.file(name), (byte) (name.equals("rgb.jpg") ? 0xc0 : 0xc2));
            picture(name, frame + 7, frame + 5, ByteOrder.BIG_ENDIAN, false);
        }
        int image = new String(Golden.file("palette.gif"), StandardCharsets.ISO_8859_1).indexOf(",\0\0\0\0");
        picture("palette.gif", image + 5, image + 7, ByteOrder.LITTLE_ENDIAN, false);
        picture("lossy.webp", 26, 28, ByteOrder.LITTLE_ENDIAN, false);
    }

    /** Where a JPEG's segment begins. */
    private static int find(byte[] bytes, byte marker) {
        int at = 0;
        while (bytes[at] != (byte) 0xff || bytes[at + 1] != marker) at++;
        return at;
    }

    @Test
    void manyZerosInGzip() throws IOException {
        var idx = ByteBuffer.allocate(16 + 100_000 * 784).putInt(0x803).putInt(100_000).putInt(28).putInt(28).array();
        var pictures = Files.write(folder.resolve("train-images-idx3-ubyte.gz"), Dressings.gzip(idx));
        Files.write(folder.resolve("train-labels-idx1-ubyte"), new byte[8]);
        var message = refused(20 << 20, () -> Dataset.open(pictures, Dataset.Split.TRAIN));
        assertTrue(message.startsWith(pictures + ": should unpack to at most 64 times its size"), message);
    }

    @Test
    void aGigabyteOfWeightsInGzip() throws IOException {
        var json = "{\"a\":{\"dtype\":\"F32\",\"shape\":[250000000],\"data_offsets\":[0,1000000000]}}".getBytes(StandardCharsets.US_ASCII);
        var content = ByteBuffer.allocate(8 + json.length + 1000).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json).array();
        var file = Files.write(folder.resolve("a.safetensors.gz"), Dressings.gzip(content));
        var message = refused(1 << 20, () -> Safetensors.open(file).close());
        assertTrue(message.contains("1000000000"), message);
    }

    @Test
    void anArrayOfManyElements() throws IOException {
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (65536, 65536), }";
        var content = "\u0093NUMPY\1\0" + (char) header.length() + "\0" + header;
        var file = Files.write(folder.resolve("a.npy"), content.getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(file + ": shape 65536x65536 should take 4294967296 elements of 4 bytes, the file has 0 bytes",
            refused(1 << 20, () -> Npy.read(file)));
    }
}
