// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import dev.sextant.io.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What the outer structure of a file says before anything is decoded.
 *
 * @param format for messages: "JPEG", "PNG", ... or "picture" where only a reader can tell
 * @param orientation EXIF orientation, 1..8
 * @param colours what the components of a JPEG are; null for other formats
 */
record Structure(String format, int orientation, Colours colours) {

    /** What a JPEG's components mean. */
    enum Colours { GRAY, RGB, YCBCR, CMYK, YCCK }

    /** @throws FormatException if the file ends before the structure does */
    static Structure of(String source, byte[] bytes) throws FormatException {
        if (begins(bytes, 0, "\u00ff\u00d8\u00ff")) return jpeg(source, bytes);
        if (begins(bytes, 0, "\u0089PNG\r\n\u001a\n")) return png(source, bytes);
        if (begins(bytes, 0, "GIF8")) return new Structure("GIF", 1, null);
        if (begins(bytes, 0, "BM")) return new Structure("BMP", 1, null);
        if (begins(bytes, 0, "RIFF") && begins(bytes, 8, "WEBP")) return webp(bytes);
        if (begins(bytes, 0, "II*\0") || begins(bytes, 0, "MM\0*")) {
            return new Structure("TIFF", Exif.orientation(bytes, 0, bytes.length), null);
        }
        return new Structure("picture", 1, null);
    }

    static boolean begins(byte[] bytes, int offset, String magic) {
        var expected = magic.getBytes(StandardCharsets.ISO_8859_1);
        return offset + expected.length <= bytes.length
            && Arrays.equals(bytes, offset, offset + expected.length, expected, 0, expected.length);
    }

    /** Walks the markers from the first to the end of the image (ITU-T T.81, annex B). */
    private static Structure jpeg(String source, byte[] bytes) throws FormatException {
        int orientation = 1;
        boolean jfif = false;
        int adobe = -1;
        int[] ids = {};
        int at = 2;
        while (true) {
            // Through what lies between segments, and through coded data with its stuffed zeros and restarts, to the next marker.
            while (at + 1 < bytes.length && !(bytes[at] == (byte) 0xff && isMarker(bytes[at + 1] & 0xff))) at++;
            if (at + 1 >= bytes.length) {
                throw new FormatException(source + ": JPEG is truncated: the file ends without an end-of-image marker");
            }
            int marker = bytes[at + 1] & 0xff;
            if (marker == 0xd9) return new Structure("JPEG", orientation, colours(ids, jfif, adobe));
            int body = at + 4;
            int length = at + 3 < bytes.length ? ((bytes[at + 2] & 0xff) << 8 | bytes[at + 3] & 0xff) - 2 : -1;
            if (length < 0 || body + length > bytes.length) {
                throw new FormatException(source + ": JPEG is truncated or damaged: segment 0x"
                    + Integer.toHexString(0xff00 | marker) + " at byte " + at + " should lie within the file's " + bytes.length + " bytes");
            }
            if (marker == 0xe0 && begins(bytes, body, "JFIF\0")) jfif = true;
            if (marker == 0xee && length >= 12 && begins(bytes, body, "Adobe")) adobe = bytes[body + 11] & 0xff;
            if (marker == 0xe1 && orientation == 1 && begins(bytes, body, "Exif\0\0")) {
                orientation = Exif.orientation(bytes, body + 6, length - 6);
            }
            if (marker >= 0xc9 && isFrame(marker)) {
                throw new FormatException(source + ": JPEG should be Huffman-coded, found arithmetic coding (not supported)");
            }
            if (marker <= 0xc2 && isFrame(marker) && length > 0 && bytes[body] != 8) {
                throw new FormatException(source + ": JPEG should have 8-bit samples, found " + bytes[body]
                    + "-bit ones (not supported)");
            }
            if (isFrame(marker) && length >= 6 && length >= 6 + 3 * (bytes[body + 5] & 0xff)) {
                ids = new int[bytes[body + 5] & 0xff];
                for (int i = 0; i < ids.length; i++) ids[i] = bytes[body + 6 + 3 * i] & 0xff;
            }
            at = body + length;
        }
    }

    /** Whether a byte after 0xff makes a marker worth stopping at: no stuffed zero, fill, restart or start of image. */
    private static boolean isMarker(int second) {
        return second != 0 && second != 0xff && second != 1 && (second < 0xd0 || second > 0xd8);
    }

    private static boolean isFrame(int marker) {
        return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    }

    /** JFIF and Adobe markers decide, then the components' names: the rules that libjpeg made common. */
    private static Colours colours(int[] ids, boolean jfif, int adobe) {
        return switch (ids.length) {
            case 1 -> Colours.GRAY;
            case 3 -> {
                boolean named = ids[0] == 'R' && ids[1] == 'G' && ids[2] == 'B';
                boolean rgb = !jfif && (adobe >= 0 ? adobe == 0 : named);
                yield rgb ? Colours.RGB : Colours.YCBCR;
            }
            case 4 -> adobe <= 0 ? Colours.CMYK : Colours.YCCK;
            default -> null;
        };
    }

    /** Walks the chunks to the last (PNG specification, section 5.3). */
    private static Structure png(String source, byte[] bytes) throws FormatException {
        var data = ByteBuffer.wrap(bytes);
        int orientation = 1;
        long at = 8;
        while (at + 12 <= bytes.length) {
            int chunk = (int) at;
            long length = data.getInt(chunk) & 0xffffffffL;
            if (begins(bytes, chunk + 4, "IHDR") && length >= 13 && at + 12 + length <= bytes.length) {
                long width = data.getInt(chunk + 8) & 0xffffffffL;
                long height = data.getInt(chunk + 12) & 0xffffffffL;
                PictureFile.checkSize(source, width, height, bytes.length);
            }
            if (begins(bytes, chunk + 4, "eXIf") && at + 12 + length <= bytes.length) {
                orientation = Exif.orientation(bytes, chunk + 8, (int) length);
            }
            at += 12 + length;
            if (begins(bytes, chunk + 4, "IEND") && at <= bytes.length) return new Structure("PNG", orientation, null);
        }
        throw new FormatException(source + ": PNG is truncated or damaged: the file ends at byte " + bytes.length
            + " without an end chunk");
    }

    /** Looks for the EXIF chunk (WebP container specification, RIFF chunks padded to even length). */
    private static Structure webp(byte[] bytes) {
        var data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (long at = 12; at + 8 <= bytes.length;) {
            long length = data.getInt((int) at + 4) & 0xffffffffL;
            if (begins(bytes, (int) at, "EXIF") && at + 8 + length <= bytes.length) {
                // Some writers keep the six bytes with which the block begins in a JPEG.
                int skip = begins(bytes, (int) at + 8, "Exif\0\0") ? 6 : 0;
                return new Structure("WebP", Exif.orientation(bytes, (int) at + 8 + skip, (int) length - skip), null);
            }
            at += 8 + length + (length & 1);
        }
        return new Structure("WebP", 1, null);
    }
}
