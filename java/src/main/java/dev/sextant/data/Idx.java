// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Labels;
import dev.sextant.image.Picture;
import dev.sextant.io.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;

/**
 * Gray pictures of an IDX file, one byte a pixel, also gzipped (LeCun, Cortes, Burges, "The MNIST database of handwritten
 * digits", section "File formats").
 */
public final class Idx {
    private static final int PICTURES = 0x803, LABELS = 0x801, LARGEST_SIDE = 1 << 12;

    private final int height, width;
    private final byte[][] pictures;

    private Idx(int height, int width, byte[][] pictures) {
        this.height = height;
        this.width = width;
        this.pictures = pictures;
    }

    /** Whether a file begins as IDX files of pictures do. */
    public static boolean recognises(Path file) throws IOException {
        return Arrays.equals(Unpacked.beginning(file, 4), new byte[] {0, 0, PICTURES >> 8, PICTURES & 0xff});
    }

    /**
     * Reads all pictures of a file.
     *
     * @throws FormatException if it is none, or does not hold as many as its header says
     */
    public static Idx read(Path file) throws IOException {
        return Unpacked.read(file, in -> {
            var header = header(in, 4);
            int count = header.getInt(4), height = header.getInt(8), width = header.getInt(12);
            if (header.getInt(0) != PICTURES || count < 1 || height < 1 || width < 1 || height > LARGEST_SIDE
                || width > LARGEST_SIDE) {
                throw new FormatException(file + ": expected an IDX file of pictures (magic number 0x803, then count, rows and "
                    + "columns), found magic 0x" + Integer.toHexString(header.getInt(0)) + ", count " + count + ", " + height
                    + "x" + width);
            }
            var pictures = new ArrayList<byte[]>();
            while (pictures.size() < count) {
                var picture = in.readNBytes(height * width);
                if (picture.length < height * width) {
                    long bytes = (long) pictures.size() * height * width + picture.length;
                    throw new FormatException(file + ": expected " + count + " pictures of " + height + "x" + width
                        + " bytes, found " + bytes + " bytes");
                }
                pictures.add(picture);
            }
            return new Idx(height, width, pictures.toArray(byte[][]::new));
        });
    }

    /** Pictures and the digits that they show. */
    static Stored labelled(Path pictures, Path labels) throws IOException {
        var idx = read(pictures);
        var digits = labels(labels, idx.count());
        return new Stored(pictures.toString(), Labels.digits(), 1, idx.height, idx.width, idx.pictures, digits);
    }

    /** @param expected how many pictures they belong to */
    private static byte[] labels(Path file, int expected) throws IOException {
        return Unpacked.read(file, in -> {
            var header = header(in, 2);
            int count = header.getInt(4);
            if (header.getInt(0) != LABELS) {
                throw new FormatException(file + ": expected an IDX file of labels (magic number 0x801), found magic 0x"
                    + Integer.toHexString(header.getInt(0)));
            }
            if (count != expected) {
                throw new FormatException(file + ": expected " + expected + " labels, one a picture, found " + count);
            }
            var labels = in.readNBytes(count);
            if (labels.length < count) {
                throw new FormatException(file + ": expected " + count + " labels, found " + labels.length);
            }
            for (int i = 0; i < count; i++) {
                if (labels[i] < 0 || labels[i] > 9) {
                    throw new FormatException(file + ": label " + i + " should be a digit from 0 to 9, found "
                        + (labels[i] & 0xff));
                }
            }
            return labels;
        });
    }

    /** A magic number and sizes, as big-endian integers; zeros where the file is too short. */
    private static ByteBuffer header(InputStream in, int integers) throws IOException {
        return ByteBuffer.wrap(Arrays.copyOf(in.readNBytes(4 * integers), 4 * integers));
    }

    /** How many pictures there are, at least one. */
    public int count() {
        return pictures.length;
    }

    /** Picture {@code i}. */
    public Picture picture(int i) {
        return Picture.gray(width, height, pictures[i]);
    }
}
