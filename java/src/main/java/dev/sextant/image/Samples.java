// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/**
 * From a reader's samples to 8-bit RGB, by the formulas that Pillow and libjpeg use. {@code BufferedImage.getRGB} would not do:
 * it sees gray samples as linear light and brightens them, and converts colour profiles.
 */
final class Samples {
    private static final int HALF = 1 << 15;

    private Samples() {}

    /** Writes one pixel's red, green and blue to {@code rgb} at {@code to}, from its bands in {@code row} at {@code from}. */
    private interface Conversion {
        void convert(int[] row, int from, byte[] rgb, int to);
    }

    static Pixels ofJpeg(Raster raster, Structure.Colours colours) {
        return convert(raster, switch (colours) {
            case GRAY -> Samples::gray;
            case RGB -> Samples::rgb;
            case YCBCR -> Samples::ycc;
            case CMYK -> (row, from, rgb, to) -> {
                // Adobe stores 255 for no ink, and so does everyone else.
                for (int c = 0; c < 3; c++) rgb[to + c] = ink(255 - row[from + c], row[from + 3]);
            };
            case YCCK -> (row, from, rgb, to) -> {
                ycc(row, from, rgb, to);
                for (int c = 0; c < 3; c++) rgb[to + c] = ink(rgb[to + c] & 0xff, row[from + 3]);
            };
        });
    }

    static Pixels ofImage(BufferedImage image) {
        var colours = image.getColorModel();
        var raster = image.getRaster();
        if (colours instanceof IndexColorModel palette) {
            var table = new int[palette.getMapSize()];
            palette.getRGBs(table);
            return convert(raster, (row, from, rgb, to) -> packed(table[Math.min(row[from], table.length - 1)], rgb, to));
        }
        int type = colours.getColorSpace().getType();
        int bands = raster.getNumBands();
        boolean plain = colours instanceof ComponentColorModel && !colours.isAlphaPremultiplied()
            && (raster.getTransferType() == DataBuffer.TYPE_BYTE || raster.getTransferType() == DataBuffer.TYPE_USHORT);
        if (plain && type == ColorSpace.TYPE_GRAY) return convert(raster, scaled(Samples::gray, colours, raster));
        // An unusual profile says XYZ; the bands still hold red, green and blue.
        if (plain && (type == ColorSpace.TYPE_RGB || type == ColorSpace.TYPE_XYZ) && bands >= 3) {
            return convert(raster, scaled(Samples::rgb, colours, raster));
        }
        if (plain && type == ColorSpace.TYPE_CMYK && bands >= 4) {
            return convert(raster, scaled((row, from, rgb, to) -> {
                for (int c = 0; c < 3; c++) rgb[to + c] = ink(row[from + c], 255 - row[from + 3]);
            }, colours, raster));
        }
        // Packed and premultiplied RGB, and what is rarer: Java's own conversion.
        var line = new int[image.getWidth()];
        var rgb = new byte[3 * image.getWidth() * image.getHeight()];
        for (int y = 0; y < image.getHeight(); y++) {
            image.getRGB(0, y, line.length, 1, line, 0, line.length);
            for (int x = 0; x < line.length; x++) packed(line[x], rgb, 3 * (y * line.length + x));
        }
        return new Pixels(image.getWidth(), image.getHeight(), 3, rgb);
    }

    private static Pixels convert(Raster raster, Conversion conversion) {
        int width = raster.getWidth();
        int height = raster.getHeight();
        int bands = raster.getNumBands();
        var rgb = new byte[3 * width * height];
        int[] row = null;
        for (int y = 0; y < height; y++) {
            row = raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            for (int x = 0; x < width; x++) conversion.convert(row, x * bands, rgb, 3 * (y * width + x));
        }
        return new Pixels(width, height, 3, rgb);
    }

    /** Brings samples of other than 8 bits to 8 first: more bits lose their lower ones, fewer are stretched to 0..255. */
    private static Conversion scaled(Conversion conversion, ColorModel colours, Raster raster) {
        int bits = colours.getComponentSize(0);
        int bands = raster.getNumBands();
        if (bits == 8) return conversion;
        // Eight-bit values kept in 16-bit files: their upper halves are all black.
        if (bits > 8 && largest(raster) < 256) return conversion;
        return (row, from, rgb, to) -> {
            for (int c = 0; c < bands; c++) {
                row[from + c] = bits > 8 ? row[from + c] >> bits - 8 : row[from + c] * 255 / ((1 << bits) - 1);
            }
            conversion.convert(row, from, rgb, to);
        };
    }

    /** The largest sample of the colour bands. */
    private static int largest(Raster raster) {
        int bands = raster.getNumBands();
        int colours = bands < 3 ? 1 : 3;
        int largest = 0;
        int[] row = null;
        for (int y = 0; y < raster.getHeight(); y++) {
            row = raster.getPixels(raster.getMinX(), raster.getMinY() + y, raster.getWidth(), 1, row);
            for (int i = 0; i < row.length; i++) {
                if (i % bands < colours) largest = Math.max(largest, row[i]);
            }
        }
        return largest;
    }

    private static void gray(int[] row, int from, byte[] rgb, int to) {
        rgb[to] = rgb[to + 1] = rgb[to + 2] = (byte) row[from];
    }

    private static void rgb(int[] row, int from, byte[] rgb, int to) {
        for (int c = 0; c < 3; c++) rgb[to + c] = (byte) row[from + c];
    }

    private static void packed(int argb, byte[] rgb, int to) {
        rgb[to] = (byte) (argb >> 16);
        rgb[to + 1] = (byte) (argb >> 8);
        rgb[to + 2] = (byte) argb;
    }

    /**
     * JFIF 1.02: r = y + 1.402 cr, g = y - 0.34414 cb - 0.71414 cr, b = y + 1.772 cb, in 16-bit fixed point with libjpeg's
     * rounding.
     */
    private static void ycc(int[] row, int from, byte[] rgb, int to) {
        int y = row[from];
        int cb = row[from + 1] - 128;
        int cr = row[from + 2] - 128;
        rgb[to] = clipped(y + (91881 * cr + HALF >> 16));
        rgb[to + 1] = clipped(y + (-22554 * cb - 46802 * cr + HALF >> 16));
        rgb[to + 2] = clipped(y + (116130 * cb + HALF >> 16));
    }

    /** What is left of {@code white} (255 less the black ink) under {@code ink} of one colour: white (1 - ink / 255), rounded. */
    private static byte ink(int ink, int white) {
        int product = ink * white + 128;
        return clipped(white - ((product >> 8) + product >> 8));
    }

    private static byte clipped(int value) {
        return (byte) Math.clamp(value, 0, 255);
    }
}
