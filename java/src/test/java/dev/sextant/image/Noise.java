// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.zip.CRC32;

/** Reproducible samples, and the checksums by which results are compared with those of Pillow and torchvision. */
final class Noise {
    private Noise() {}

    /** Upper bytes of Knuth's 64-bit linear congruential generator started at 12345. */
    static byte[] samples(int count) {
        var samples = new byte[count];
        long state = 12345;
        for (int i = 0; i < count; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            samples[i] = (byte) (state >>> 56);
        }
        return samples;
    }

    static Picture picture(int width, int height) {
        return Picture.rgb(width, height, samples(3 * width * height));
    }

    static String crc(byte[] bytes) {
        var crc = new CRC32();
        crc.update(bytes);
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /** Of little-endian float32, as NumPy lays it out. */
    static String crc(float[] values) {
        var bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return crc(bytes.array());
    }
}
