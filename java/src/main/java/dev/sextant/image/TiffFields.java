// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import dev.sextant.io.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** The fields of a TIFF's first picture (TIFF 6.0, section 2), looked at before a reader takes memory for what they claim. */
final class TiffFields {
    private static final int WIDTH = 256, HEIGHT = 257, BITS = 258, PACKING = 259, STRIP_OFFSETS = 273, BANDS = 277, STRIP_BYTES = 279,
        TILE_WIDTH = 322, TILE_HEIGHT = 323, TILE_OFFSETS = 324, TILE_BYTES = 325, EXIF = 34665, GPS = 34853, INTEROPERABILITY = 40965;
    private static final long MOST_SHARED = 4;
    private static final int PLAIN = 1, FAX = 2, FAX_3 = 3, FAX_4 = 4, LZW = 5, DEFLATE = 8, OLD_DEFLATE = 32946,
        PACK_BITS = 32773, OLD_JPEG = 6, JPEG = 7;

    /** Bytes of a value by type. */
    private static final int[] SIZES = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};

    private static final int ENTRY = 12, DEEPEST = 4, LARGEST_TILE = 1 << 18, MOST_BITS = 512;

    private final String source;
    private final ByteBuffer data;
    private final int size;
    /** Where the entry of a field is, by tag. */
    private final Map<Integer, Integer> entries = new HashMap<>();

    private TiffFields(String source, byte[] bytes) {
        this.source = source;
        size = bytes.length;
        data = ByteBuffer.wrap(bytes).order(bytes[0] == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    }

    /** @throws FormatException if a field reaches past the file, or the file cannot hold the picture that it claims */
    static void check(String source, byte[] bytes) throws FormatException {
        if (bytes.length < 8) throw new FormatException(source + ": TIFF should have a header of 8 bytes, found " + bytes.length);
        var fields = new TiffFields(source, bytes);
        fields.directory(fields.data.getInt(4) & 0xffffffffL, 0);
        fields.checkParts();
        fields.checkSize();
    }

    private void directory(long at, int depth) throws FormatException {
        requireWithin("directory", at, 2);
        int count = data.getShort((int) at) & 0xffff;
        requireWithin("directory", at + 2, (long) ENTRY * count);
        for (int i = 0; i < count; i++) {
            int entry = (int) at + 2 + ENTRY * i;
            int tag = data.getShort(entry) & 0xffff;
            long bytes = bytes(entry);
            if (bytes > Integer.BYTES) requireWithin("field " + tag, data.getInt(entry + 8) & 0xffffffffL, bytes);
            if (depth == 0) entries.putIfAbsent(tag, entry);
            if ((tag == EXIF || tag == GPS || tag == INTEROPERABILITY) && bytes == Integer.BYTES) {
                if (depth == DEEPEST) throw new FormatException(source + ": TIFF should have at most " + DEEPEST + " nested directories");
                directory(data.getInt(entry + 8) & 0xffffffffL, depth + 1);
            }
        }
    }

    /** What an entry's values take; 0 if its type is unknown. */
    private long bytes(int entry) {
        int type = data.getShort(entry + 2) & 0xffff;
        return type < SIZES.length ? (data.getInt(entry + 4) & 0xffffffffL) * SIZES[type] : 0;
    }

    private void requireWithin(String what, long at, long bytes) throws FormatException {
        if (at > size || bytes > size - at) {
            throw new FormatException(source + ": TIFF's " + what + " of " + bytes + " bytes at byte " + at + " should lie within the"
                + " file's " + size + " bytes");
        }
    }

    private long count(int tag) {
        var entry = entries.get(tag);
        return entry == null || bytes(entry) == 0 ? 0 : data.getInt(entry + 4) & 0xffffffffL;
    }

    /** Value {@code i} of an integer field, {@code otherwise} where it has none. */
    private long value(int tag, long i, long otherwise) {
        var entry = entries.get(tag);
        if (entry == null || i >= count(tag)) return otherwise;
        long from = bytes(entry) > Integer.BYTES ? data.getInt(entry + 8) & 0xffffffffL : entry + 8;
        return switch (data.getShort(entry + 2)) {
            case 1 -> data.get((int) (from + i)) & 0xff;
            case 3 -> data.getShort((int) (from + 2 * i)) & 0xffff;
            case 4 -> data.getInt((int) (from + 4 * i)) & 0xffffffffL;
            default -> otherwise;
        };
    }

    /** The strips or tiles. */
    private void checkParts() throws FormatException {
        for (var tags : new int[][] {{STRIP_OFFSETS, STRIP_BYTES}, {TILE_OFFSETS, TILE_BYTES}}) {
            long total = 0;
            for (long i = 0; i < count(tags[1]); i++) {
                requireWithin("strip " + i, value(tags[0], i, 0), value(tags[1], i, 0));
                total += value(tags[1], i, 0);
            }
            // Some writers let equal strips share their bytes; a thousand that share all would take a while.
            if (total > MOST_SHARED * size) {
                throw new FormatException(source + ": TIFF's strips should take at most " + MOST_SHARED + " times its " + size
                    + " bytes, found " + total);
            }
        }
    }

    private void checkSize() throws FormatException {
        long width = value(WIDTH, 0, 0), height = value(HEIGHT, 0, 0);
        PictureFile.checkSize(source, width, height, size);
        long tile = Math.multiplyHigh(value(TILE_WIDTH, 0, 0), value(TILE_HEIGHT, 0, 0)) == 0
            ? value(TILE_WIDTH, 0, 0) * value(TILE_HEIGHT, 0, 0) : Long.MAX_VALUE;
        if (tile < 0 || tile > Math.max(width * height, LARGEST_TILE)) {
            throw new FormatException(source + ": TIFF should have tiles of at most its own size, found " + value(TILE_WIDTH, 0, 0) + "x"
                + value(TILE_HEIGHT, 0, 0));
        }
        for (long i = 0; i < Math.max(1, count(BITS)); i++) {
            long bits = value(BITS, i, 1);
            if (bits < 1 || bits > 16 && bits != 32 && bits != 64) {
                throw new FormatException(source + ": TIFF should have samples of 1 to 16, 32 or 64 bits, found " + bits);
            }
        }
        long pixel = Math.min(value(BITS, 0, 1), 1 << 16) * Math.min(value(BANDS, 0, 1), 1 << 16);
        if (pixel < 1 || pixel > MOST_BITS) {
            throw new FormatException(source + ": TIFF should have 1 to " + MOST_BITS + " bits a pixel, found " + pixel);
        }
        long rows = height * ((width * pixel + 7) / 8);
        if (value(PACKING, 0, 1) != PLAIN && count(STRIP_BYTES) + count(TILE_BYTES) == 0) {
            throw new FormatException(source + ": TIFF should say how many bytes its packed strips take, found nothing of it");
        }
        int packing = (int) value(PACKING, 0, 1);
        long densest = switch (packing) {
            case PLAIN -> 1;
            case PACK_BITS -> 64;
            case DEFLATE, OLD_DEFLATE -> 1032;
            case LZW -> 2731;
            case OLD_JPEG, JPEG -> 1536;
            case FAX, FAX_3, FAX_4 -> 1 << 14;
            default -> throw new FormatException(source + ": TIFF should be packed as TIFF 6.0 says, found packing " + packing
                + " (not supported)");
        };
        boolean counted = packing == LZW || packing == DEFLATE || packing == OLD_DEFLATE;
        boolean held = rows <= densest * size && (!counted || rows <= 4L * size || unpacked(packing == LZW, rows) >= rows);
        if (!held) throw Claims.tooLarge(source, "TIFF", width, height, size);
    }

    /** What the strips or tiles hold once unpacked, {@code enough} being enough; they are known to lie within the file. */
    private long unpacked(boolean isLzw, long enough) throws FormatException {
        int offsets = count(STRIP_BYTES) > 0 ? STRIP_OFFSETS : TILE_OFFSETS, bytes = count(STRIP_BYTES) > 0 ? STRIP_BYTES : TILE_BYTES;
        long found = 0;
        for (long i = 0; i < count(bytes) && found < enough; i++) {
            int from = (int) value(offsets, i, 0), length = (int) value(bytes, i, 0);
            found += isLzw ? new Lzw(8, false, true).count(data.array(), from, from + length, enough - found)
                : inflated(from, length, enough - found);
        }
        return found;
    }

    private long inflated(int from, int length, long enough) throws FormatException {
        var inflater = new Inflater();
        try {
            inflater.setInput(data.array(), from, length);
            var scratch = new byte[1 << 10];
            long count = 0;
            for (int read; count < enough && (read = inflater.inflate(scratch)) > 0;) count += read;
            return count;
        } catch (DataFormatException e) {
            throw new FormatException(source + ": TIFF's packed data are damaged: " + e.getMessage(), e);
        } finally {
            inflater.end();
        }
    }
}
