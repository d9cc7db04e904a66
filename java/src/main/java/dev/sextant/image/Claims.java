// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import dev.sextant.io.FormatException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Whether a file can hold the picture that its header claims: readers take memory for the claim before they see the data. What a
 * packed file holds is bounded by what its packing can do at best, and counted where that is not bound enough.
 */
final class Claims {
    /** Bytes of samples for each byte of a file that may be taken without a look at the data. */
    private static final int UNSUSPICIOUS = 4;

    private static final int BMP_RLE8 = 1, BMP_RLE4 = 2, BMP_JPEG = 4, BMP_PNG = 5;

    private Claims() {}

    /**
     * A PNG's rows (PNG specification, sections 7.2 and 8.2). Those of a picture that is much larger than its file are unpacked and
     * counted, none of them kept.
     *
     * @param header where the content of its IHDR begins
     */
    static void png(String source, byte[] bytes, int header) throws FormatException {
        var data = ByteBuffer.wrap(bytes);
        long width = data.getInt(header) & 0xffffffffL, height = data.getInt(header + 4) & 0xffffffffL;
        if (3 * width * height <= (long) UNSUSPICIOUS * bytes.length) return;
        int bits = (bytes[header + 8] & 0xff) * switch (bytes[header + 9]) {
            case 2 -> 3;
            case 4 -> 2;
            case 6 -> 4;
            default -> 1;
        };
        long expected = bytes[header + 12] == 0 ? rows(width, height, bits) : rows((width + 7) / 8, (height + 7) / 8, bits)
            + rows((width + 3) / 8, (height + 7) / 8, bits) + rows((width + 3) / 4, (height + 3) / 8, bits)
            + rows((width + 1) / 4, (height + 3) / 4, bits) + rows((width + 1) / 2, (height + 1) / 4, bits)
            + rows(width / 2, (height + 1) / 2, bits) + rows(width, height / 2, bits);
        long found = unpacked(source, bytes, expected);
        if (found < expected) {
            throw new FormatException(source + ": PNG should hold " + expected + " bytes of rows for its " + width + "x" + height
                + " pixels, its data end after " + found);
        }
    }

    private static long rows(long width, long height, int bits) {
        return width == 0 ? 0 : height * (1 + (width * bits + 7) / 8);
    }

    /** How many bytes the IDAT chunks unpack to, {@code enough} being enough. The chunks are known to lie within the file. */
    private static long unpacked(String source, byte[] bytes, long enough) throws FormatException {
        var data = ByteBuffer.wrap(bytes);
        var scratch = new byte[1 << 13];
        long count = 0;
        var inflater = new Inflater();
        try {
            for (int at = 8; count < enough && at + 12 <= bytes.length && !inflater.finished(); at += 12 + data.getInt(at)) {
                if (!Structure.begins(bytes, at + 4, "IDAT")) continue;
                inflater.setInput(bytes, at + 8, data.getInt(at));
                for (int read; count < enough && (read = inflater.inflate(scratch)) > 0;) count += read;
            }
            return count;
        } catch (DataFormatException e) {
            throw new FormatException(source + ": PNG's packed data are damaged: " + e.getMessage(), e);
        } finally {
            inflater.end();
        }
    }

    /**
     * A JPEG's blocks of 8x8: each takes two bits at least where it is coded at once, one where bit by bit (ITU-T T.81, annexes F
     * and G).
     *
     * @param coded bytes outside all segments
     */
    static void jpeg(String source, long width, long height, boolean progressive, long coded) throws FormatException {
        long bits = (width + 7) / 8 * ((height + 7) / 8) * (progressive ? 1 : 2);
        if (bits > 8 * coded) {
            throw new FormatException(source + ": JPEG should hold at least " + (bits + 7) / 8 + " bytes of coded data for its " + width
                + "x" + height + " pixels, found " + coded);
        }
    }

    /** A GIF's first picture (GIF89a, sections 18 to 22): its codes are counted where it is much larger than its file. */
    static void gif(String source, byte[] bytes) throws FormatException {
        int at = 13;
        if (bytes.length < at) throw new FormatException(source + ": GIF should have a header of 13 bytes, found " + bytes.length);
        at += table(bytes[10]);
        while (at + 10 < bytes.length && bytes[at] == '!') at = blocks(bytes, at + 2, null);
        if (at + 10 >= bytes.length || bytes[at] != ',') {
            throw new FormatException(source + ": GIF should have a picture at byte " + at + ", found none: it is truncated or damaged");
        }
        long width = side(bytes, at + 5), height = side(bytes, at + 7);
        PictureFile.checkSize(source, width, height, bytes.length);
        at += 10 + table(bytes[at + 9]);
        int bits = at < bytes.length ? bytes[at] : 0;
        if (bits < 1 || bits > 8) throw new FormatException(source + ": GIF should have values of 1 to 8 bits, found " + bits);
        if (3 * width * height <= (long) UNSUSPICIOUS * bytes.length) return;
        var codes = new ByteArrayOutputStream();
        blocks(bytes, at + 1, codes);
        if (new Lzw(bits, true, false).count(codes.toByteArray(), 0, codes.size(), width * height) < width * height) {
            throw tooLarge(source, "GIF", width, height, bytes.length);
        }
    }

    /** Bytes of the colour table that these flags announce. */
    private static int table(byte flags) {
        return flags < 0 ? 3 << (flags & 7) + 1 : 0;
    }

    private static int side(byte[] bytes, int at) {
        return bytes[at] & 0xff | (bytes[at + 1] & 0xff) << 8;
    }

    /** The end of blocks of up to 255 bytes, whose content goes to {@code out}. */
    private static int blocks(byte[] bytes, int from, ByteArrayOutputStream out) {
        int at = from;
        while (at < bytes.length && bytes[at] != 0) {
            int length = Math.min(bytes[at] & 0xff, bytes.length - at - 1);
            if (out != null) out.write(bytes, at + 1, length);
            at += 1 + length;
        }
        return at + 1;
    }

    /** A BMP's rows, or its runs of up to 255 pixels in two bytes. */
    static void bmp(String source, byte[] bytes) throws FormatException {
        var data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < 34) throw new FormatException(source + ": BMP should have a header of at least 34 bytes, found " + bytes.length);
        boolean old = data.getInt(14) == 12;
        long width = old ? data.getShort(18) & 0xffff : Math.abs((long) data.getInt(18));
        long height = old ? data.getShort(20) & 0xffff : Math.abs((long) data.getInt(22));
        int bits = data.getShort(old ? 24 : 28) & 0xffff;
        int packing = old ? 0 : data.getInt(30);
        PictureFile.checkSize(source, width, height, bytes.length);
        switch (packing) {
            case BMP_RLE8, BMP_RLE4 -> {
                if (width * height > 128L * bytes.length) throw tooLarge(source, "BMP", width, height, bytes.length);
            }
            case BMP_JPEG, BMP_PNG -> throw new FormatException(source + ": BMP should hold samples, found a "
                + (packing == BMP_JPEG ? "JPEG" : "PNG") + " within (not supported)");
            default -> {
                if ((width * bits + 31) / 32 * 4 * height > bytes.length) throw tooLarge(source, "BMP", width, height, bytes.length);
            }
        }
    }

    /**
     * A WebP's frame. Its coders spend less than a bit on what does not change, so that a file of a few bytes may be a large picture of
     * one colour: two million pixels are believed, and beyond these what pictures come to.
     */
    static void webp(String source, long width, long height, long bytes) throws FormatException {
        PictureFile.checkSize(source, width, height, bytes);
        if (width * height > (1 << 21) + 4096 * bytes) throw tooLarge(source, "WebP", width, height, bytes);
    }

    static FormatException tooLarge(String source, String format, long width, long height, long bytes) {
        return new FormatException(source + ": " + format + "'s header says " + width + "x" + height + " pixels, which a file of "
            + bytes + " bytes cannot hold");
    }
}
