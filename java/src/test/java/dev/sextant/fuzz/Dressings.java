// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;

/** Makes damaged content look sound from outside, so that damage reaches what lies within. */
final class Dressings {
    private static final int TAR_BLOCK = 512;

    private Dressings() {}

    static byte[] none(byte[] content) {
        return content;
    }

    static byte[] gzip(byte[] content) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var packed = new GZIPOutputStream(out)) {
            packed.write(content);
        }
        return out.toByteArray();
    }

    /** A safetensors header's length, if the header still ends as it should. */
    static byte[] safetensors(byte[] content) {
        int end = new String(content, StandardCharsets.ISO_8859_1).indexOf("}}") + 2;
        while (end < content.length && content[end] == ' ') end++;
        if (end >= Long.BYTES + 2) ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).putLong(0, end - Long.BYTES);
        return content;
    }

    /** The checksum of each of a PNG's chunks. */
    static byte[] png(byte[] content) {
        var bytes = ByteBuffer.wrap(content);
        for (long at = 8; at + 12 <= content.length;) {
            long length = bytes.getInt((int) at) & 0xffffffffL;
            if (at + 12 + length > content.length) break;
            var crc = new CRC32();
            crc.update(content, (int) at + 4, (int) length + 4);
            bytes.putInt((int) (at + 8 + length), (int) crc.getValue());
            at += 12 + length;
        }
        return content;
    }

    /** The checksum of each of a tar's headers. */
    static byte[] tar(byte[] content) {
        for (int at = 0; at + TAR_BLOCK <= content.length;) {
            int sum = 0;
            for (int i = 0; i < TAR_BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : content[at + i] & 0xff;
            if (sum == 8 * ' ') break;
            System.arraycopy(String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII), 0, content, at + 148, 8);
            var size = new String(content, at + 124, 11, StandardCharsets.ISO_8859_1);
            if (!size.matches("[0-7]{11}")) break;
            long blocks = (Long.parseLong(size, 8) + TAR_BLOCK - 1) / TAR_BLOCK;
            if (blocks > content.length / TAR_BLOCK) break;
            at += (int) (TAR_BLOCK * (1 + blocks));
        }
        return content;
    }
}
