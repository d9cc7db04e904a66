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

    /** Encoders write ten or so; each may go over the whole picture. */
    private static final int MOST_SCANS = 64;

    /** What a JPEG says of its samples. */
    private record Frame(int width, int height, boolean progressive) {}

    /** @throws FormatException if the file ends before the structure does */
    static Structure of(String source, byte[] bytes) throws FormatException {
        if (begins(bytes, 0, "\u00ff\u00d8\u00ff")) return jpeg(source, bytes);
        if (begins(bytes, 0, "\u0089PNG\r\n\u001a\n")) return png(source, bytes);
        if (begins(bytes, 0, "GIF8")) {
            Claims.gif(source, bytes);
            return new Structure("GIF", 1, null);
        }
        if (begins(bytes, 0, "BM")) {
            Claims.bmp(source, bytes);
            return new Structure("BMP", 1, null);
        }
        if (begins(bytes, 0, "RIFF") && begins(bytes, 8, "WEBP")) return webp(source, bytes);
        if (begins(bytes, 0, "II*\0") || begins(bytes, 0, "MM\0*")) {
            TiffFields.check(source, bytes);
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
        int scans = 0;
        long coded = 0;
        Frame frame = null;
        int at = 2;
        while (true) {
            // Through what lies between segments, and through coded data with its stuffed zeros and restarts, to the next marker.
            int from = at;
            while (at + 1 < bytes.length && !(bytes[at] == (byte) 0xff && isMarker(bytes[at + 1] & 0xff))) at++;
            coded += at - from;
            if (at + 1 >= bytes.length) {
                throw new FormatException(source + ": JPEG is truncated: the file ends without an end-of-image marker");
            }
            int marker = bytes[at + 1] & 0xff;
            if (marker == 0xd9) {
                if (frame != null) Claims.jpeg(source, frame.width, frame.height, frame.progressive, coded);
                return new Structure("JPEG", orientation, colours(ids, jfif, adobe));
            }
            int body = at + 4;
            int length = at + 3 < bytes.length ? word(bytes, at + 2) - 2 : -1;
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
                frame = new Frame(word(bytes, body + 3), word(bytes, body + 1), marker == 0xc2);
            }
            if (marker == 0xda && ++scans > MOST_SCANS) {
                throw new FormatException(source + ": JPEG should have at most " + MOST_SCANS + " scans, found more");
            }
            at = body + length;
        }
    }

    private static int word(byte[] bytes, int at) {
        return (bytes[at] & 0xff) << 8 | bytes[at + 1] & 0xff;
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
        int orientation = 1, header = 0;
        long at = 8;
        while (at + 12 <= bytes.length) {
            int chunk = (int) at;
            long length = data.getInt(chunk) & 0xffffffffL;
            if (at == 8 && begins(bytes, chunk + 4, "IHDR") && length >= 13 && at + 12 + length <= bytes.length) {
                header = chunk + 8;
                PictureFile.checkSize(source, data.getInt(header) & 0xffffffffL, data.getInt(header + 4) & 0xffffffffL, bytes.length);
            }
            if (begins(bytes, chunk + 4, "eXIf") && at + 12 + length <= bytes.length) {
                orientation = Exif.orientation(bytes, chunk + 8, (int) length);
            }
            at += 12 + length;
            if (begins(bytes, chunk + 4, "IEND") && at <= bytes.length) {
                if (header == 0) throw new FormatException(source + ": PNG should begin with a header chunk, found none");
                Claims.png(source, bytes, header);
                return new Structure("PNG", orientation, null);
            }
        }
        throw new FormatException(source + ": PNG is truncated or damaged: the file ends at byte " + bytes.length
            + " without an end chunk");
    }

    /** Walks the chunks, into those of a moving picture's frames (WebP container specification, RIFF chunks padded to even length). */
    private static Structure webp(String source, byte[] bytes) throws FormatException {
        var data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int orientation = 1;
        int canvasWidth = 0, canvasHeight = 0;
        boolean moving = false;
        long end = Math.min(bytes.length, 8 + (data.getInt(4) & 0xffffffffL));
        for (long at = 12; at + 8 <= end;) {
            int body = (int) at + 8;
            long length = data.getInt(body - 4) & 0xffffffffL;
            if (body + length > bytes.length) {
                throw new FormatException(source + ": WebP is truncated or damaged: the chunk at byte " + at
                    + " should lie within the file's " + bytes.length + " bytes");
            }
            int width = 0, height = 0;
            if (begins(bytes, (int) at, "VP8 ") && length >= 10) {
                width = data.getShort(body + 6) & 0x3fff;
                height = data.getShort(body + 8) & 0x3fff;
            } else if (begins(bytes, (int) at, "VP8L") && length >= 5) {
                width = (data.getInt(body + 1) & 0x3fff) + 1;
                height = (data.getInt(body + 1) >> 14 & 0x3fff) + 1;
            } else if (begins(bytes, (int) at, "VP8X") && length >= 10) {
                canvasWidth = (data.getInt(body + 4) & 0xffffff) + 1;
                canvasHeight = (data.getInt(body + 6) >>> 8) + 1;
                Claims.webp(source, canvasWidth, canvasHeight, bytes.length);
            } else if (begins(bytes, (int) at, "EXIF")) {
                // Some writers keep the six bytes with which the block begins in a JPEG.
                int skip = begins(bytes, body, "Exif\0\0") ? 6 : 0;
                orientation = Exif.orientation(bytes, body + skip, (int) length - skip);
            }
            boolean frame = begins(bytes, (int) at, "ANMF");
            moving |= frame;
            if (width > 0) {
                Claims.webp(source, width, height, bytes.length);
                boolean fits = moving ? width <= canvasWidth && height <= canvasHeight : width == canvasWidth && height == canvasHeight;
                if (canvasWidth > 0 && !fits) {
                    throw new FormatException(source + ": WebP should have a picture of its canvas' " + canvasWidth + "x" + canvasHeight
                        + ", found " + width + "x" + height);
                }
            }
            at += 8 + (frame ? Math.min(length, 16) : length + (length & 1));
        }
        return new Structure("WebP", orientation, null);
    }
}
