// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.util.Arrays;

/** Interleaved 8-bit samples, row by row from the top; whoever makes one gives its array away. */
record Pixels(int width, int height, int channels, byte[] samples) {

    int at(int x, int y, int c) {
        return samples[(y * width + x) * channels + c] & 0xff;
    }

    /** Three equal samples for each gray one. */
    Pixels toRgb() {
        if (channels == 3) return this;
        var rgb = new byte[samples.length * 3];
        for (int i = 0; i < rgb.length; i++) rgb[i] = samples[i / 3];
        return new Pixels(width, height, 3, rgb);
    }

    /** Luma of ITU-R BT.601 in 16-bit fixed point, as Pillow's {@code convert("L")}: 0.299 r + 0.587 g + 0.114 b. */
    Pixels toGray() {
        if (channels == 1) return this;
        var gray = new byte[samples.length / 3];
        for (int i = 0; i < gray.length; i++) {
            int r = samples[3 * i] & 0xff;
            int g = samples[3 * i + 1] & 0xff;
            int b = samples[3 * i + 2] & 0xff;
            gray[i] = (byte) (r * 19595 + g * 38470 + b * 7471 + 0x8000 >> 16);
        }
        return new Pixels(width, height, 1, gray);
    }

    Pixels inverted() {
        var inverted = new byte[samples.length];
        for (int i = 0; i < inverted.length; i++) inverted[i] = (byte) ~samples[i];
        return new Pixels(width, height, channels, inverted);
    }

    /** Mean of the outermost pixels. */
    double borderMean() {
        long sum = 0;
        long count = 0;
        for (int y = 0; y < height; y++) {
            int step = y == 0 || y == height - 1 ? 1 : Math.max(1, width - 1);
            for (int x = 0; x < width; x += step) {
                for (int c = 0; c < channels; c++) sum += at(x, y, c);
                count += channels;
            }
        }
        return (double) sum / count;
    }

    /**
     * The centre of the given size; black where it reaches past the picture. Rounding is torchvision's {@code center_crop}: an
     * odd surplus leaves the extra row or column by round-half-even, an odd shortage puts the extra black at the end.
     */
    Pixels centre(int cropWidth, int cropHeight) {
        if (cropWidth == width && cropHeight == height) return this;
        int left = offset(width, cropWidth);
        int top = offset(height, cropHeight);
        var crop = new byte[cropWidth * cropHeight * channels];
        int from = Math.max(0, left);
        int to = Math.min(width, left + cropWidth);
        for (int y = Math.max(0, top); y < Math.min(height, top + cropHeight); y++) {
            System.arraycopy(samples, (y * width + from) * channels, crop, ((y - top) * cropWidth + from - left) * channels,
                (to - from) * channels);
        }
        return new Pixels(cropWidth, cropHeight, channels, crop);
    }

    /** A part that lies within. */
    Pixels part(int left, int top, int partWidth, int partHeight) {
        var part = new byte[partWidth * partHeight * channels];
        for (int y = 0; y < partHeight; y++) {
            System.arraycopy(samples, ((top + y) * width + left) * channels, part, y * partWidth * channels, partWidth * channels);
        }
        return new Pixels(partWidth, partHeight, channels, part);
    }

    private static int offset(int size, int crop) {
        return size >= crop ? (int) Math.rint((size - crop) / 2.0) : -((crop - size) / 2);
    }

    /**
     * Turned upright, given an EXIF orientation 1..8 (TIFF 6.0: where the first row and column of the file lie in the picture).
     */
    Pixels upright(int orientation) {
        if (orientation == 1) return this;
        boolean swapped = orientation > 4;
        int w = swapped ? height : width;
        int h = swapped ? width : height;
        var turned = new byte[samples.length];
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                int fromX = switch (orientation) {
                    case 2, 3 -> width - 1 - x;
                    case 4 -> x;
                    case 5, 6 -> y;
                    default -> width - 1 - y;
                };
                int fromY = switch (orientation) {
                    case 2 -> y;
                    case 3, 4 -> height - 1 - y;
                    case 5, 8 -> x;
                    default -> height - 1 - x;
                };
                System.arraycopy(samples, (fromY * width + fromX) * channels, turned, (y * w + x) * channels, channels);
            }
        }
        return new Pixels(w, h, channels, turned);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Pixels that && width == that.width && height == that.height && channels == that.channels
            && Arrays.equals(samples, that.samples);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * width + height) + Arrays.hashCode(samples);
    }
}
