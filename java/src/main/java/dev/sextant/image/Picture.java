// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A picture of 8-bit RGB samples; a value.
 *
 * <p>The samples are the file's own, as Pillow's {@code convert("RGB")} gives them: no colour profile and no gamma is applied,
 * transparency is dropped, CMYK is converted by the plain formula. Two departures: 16-bit samples keep their upper 8 bits (where
 * Pillow clips gray ones to white), unless a file only uses the lower 8; and {@link #read} turns a picture upright as its EXIF
 * orientation asks, which Pillow leaves to {@code ImageOps.exif_transpose}.
 */
public final class Picture {
    private static final Set<String> SUFFIXES = Set.of("jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp");

    private final Pixels pixels;

    private Picture(Pixels pixels) {
        this.pixels = pixels;
    }

    /**
     * Reads a JPEG, PNG, BMP, GIF (its first frame), TIFF or WebP file, or whatever else a {@code javax.imageio} reader at hand
     * knows.
     *
     * @throws dev.sextant.io.FormatException if no reader knows the file, or if it is damaged, truncated, of a kind that is not
     *     supported or larger than 134 million pixels; decided before memory is spent on what its header claims
     * @throws IOException if the file cannot be read
     */
    public static Picture read(Path file) throws IOException {
        return new Picture(PictureFile.read(file));
    }

    /**
     * Decodes the bytes of such a file; {@code source} names them in errors.
     *
     * @throws dev.sextant.io.FormatException as {@link #read}
     */
    public static Picture decode(String source, byte[] bytes) throws IOException {
        return new Picture(PictureFile.read(source, bytes));
    }

    /** Whether a file is called as pictures are, {@code .jpg} or {@code .png} for instance; its content may still be none. */
    public static boolean hasPictureName(String file) {
        return SUFFIXES.contains(file.substring(file.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
    }

    /** A picture of interleaved samples: red, green, blue of the first pixel, of the one to its right, and so on; copied. */
    public static Picture rgb(int width, int height, byte[] samples) {
        return new Picture(pixels("rgb", width, height, 3, samples));
    }

    /** A gray picture, one sample a pixel, row by row from the top. */
    public static Picture gray(int width, int height, byte[] samples) {
        return new Picture(pixels("gray", width, height, 1, samples).toRgb());
    }

    private static Pixels pixels(String what, int width, int height, int channels, byte[] samples) {
        if (width < 1 || height < 1 || samples.length != (long) width * height * channels) {
            throw new IllegalArgumentException("picture: " + width + "x" + height + " " + what + " expects at least one pixel and "
                + Math.max(0, (long) width * height * channels) + " samples, found " + samples.length);
        }
        return new Pixels(width, height, channels, samples.clone());
    }

    /** Columns. */
    public int width() {
        return pixels.width();
    }

    /** Rows. */
    public int height() {
        return pixels.height();
    }

    /** A copy of the samples, interleaved as in {@link #rgb}. */
    public byte[] samples() {
        return pixels.samples().clone();
    }

    /** The part that begins at column {@code left} and row {@code top}; it must lie within the picture. */
    public Picture part(int left, int top, int width, int height) {
        if (left < 0 || top < 0 || width < 1 || height < 1 || left > width() - width || top > height() - height) {
            throw new IllegalArgumentException("picture: expected a part within " + width() + "x" + height() + ", found " + width + "x"
                + height + " at column " + left + ", row " + top);
        }
        return new Picture(pixels.part(left, top, width, height));
    }

    /** The picture at another size, by an antialiasing filter as in {@link #tensor}: Pillow's samples, byte for byte. */
    public Picture resized(int width, int height, Filter filter) {
        if (width < 1 || height < 1 || (long) width * height > PictureFile.MOST_PIXELS) {
            throw new IllegalArgumentException("picture: expected a size of 1 to " + PictureFile.MOST_PIXELS + " pixels, found "
                + width + "x" + height);
        }
        return new Picture(Resample.resize(pixels, width, height, filter));
    }

    /**
     * The 8-bit values that {@link #tensor} makes its numbers from, {@code channels x height x width}: gray if asked for,
     * resized, inverted and cropped.
     */
    public byte[] planes(Preprocessing preprocessing) {
        int channels = preprocessing.channels(), plane = preprocessing.height() * preprocessing.width();
        var samples = prepared(pixels, preprocessing).samples();
        if (channels == 1) return samples == pixels.samples() ? samples.clone() : samples;
        var planes = new byte[samples.length];
        for (int c = 0; c < channels; c++) for (int i = 0; i < plane; i++) planes[c * plane + i] = samples[i * channels + c];
        return planes;
    }

    /** The picture as a network's input of shape {@code 1 x channels x height x width}. */
    public Tensor tensor(Preprocessing preprocessing) {
        return batch(List.of(this), preprocessing);
    }

    /** Several pictures, of any sizes, as one input of shape {@code n x channels x height x width}. */
    public static Tensor batch(List<Picture> pictures, Preprocessing preprocessing) {
        int channels = preprocessing.channels();
        int plane = preprocessing.height() * preprocessing.width();
        var values = new float[Math.multiplyExact(Math.multiplyExact(pictures.size(), channels), plane)];
        for (int n = 0; n < pictures.size(); n++) {
            var samples = prepared(pictures.get(n).pixels, preprocessing).samples();
            for (int c = 0; c < channels; c++) {
                float mean = preprocessing.mean().get(c);
                float std = preprocessing.std().get(c);
                int to = (n * channels + c) * plane;
                for (int i = 0; i < plane; i++) {
                    values[to + i] = ((samples[i * channels + c] & 0xff) / preprocessing.divisor() - mean) / std;
                }
            }
        }
        return Tensor.of(Shape.of(pictures.size(), channels, preprocessing.height(), preprocessing.width()), values);
    }

    /** The 8-bit part: gray, resize, invert, crop. */
    private static Pixels prepared(Pixels pixels, Preprocessing preprocessing) {
        int resize = preprocessing.resize();
        var filter = preprocessing.filter();
        var source = preprocessing.channels() == 1 ? pixels.toGray() : pixels;
        var resized = switch (preprocessing.fit()) {
            case STRETCH -> Resample.resize(source, resize, resize, filter);
            case SHORTER_SIDE -> source.width() <= source.height()
                ? Resample.resize(source, resize, longer(resize, source.height(), source.width()), filter)
                : Resample.resize(source, longer(resize, source.width(), source.height()), resize, filter);
        };
        boolean invert = preprocessing.invert() == Preprocessing.Invert.AUTO && resized.borderMean() > 127;
        return (invert ? resized.inverted() : resized).centre(preprocessing.width(), preprocessing.height());
    }

    /** The longer side after the shorter became {@code resize}, rounded down as torchvision does. */
    private static int longer(int resize, int longSide, int shortSide) {
        double longer = (double) ((long) resize * longSide) / shortSide;
        if (longer * resize > PictureFile.MOST_PIXELS) {
            throw new IllegalArgumentException("picture: expected sides that are not too unequal to bring the shorter one to "
                + resize + " pixels, found " + longSide + " by " + shortSide);
        }
        return (int) longer;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Picture that && pixels.equals(that.pixels);
    }

    @Override
    public int hashCode() {
        return pixels.hashCode();
    }

    /** {@code Picture 640x480}. */
    @Override
    public String toString() {
        return "Picture " + width() + "x" + height();
    }
}
