// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Picture;

/** Changes of place on 8-bit planes {@code c h w}. */
final class Geometry {
    private static final double LOG_RATIO = StrictMath.log(4 / 3.0);
    private static final int TRIALS = 10;

    private Geometry() {}

    /** Left to right. */
    static void flip(byte[] from, byte[] to, int rows, int width) {
        for (int y = 0; y < rows; y++) {
            int row = y * width, last = row + width - 1;
            for (int x = 0; x < width; x++) to[row + x] = from[last - x];
        }
    }

    /** Moves up by {@code dy} and left by {@code dx} pixels, which may be negative; black comes in. */
    static void shift(byte[] from, byte[] to, int channels, int height, int width, int dy, int dx) {
        int left = Math.max(0, -dx), right = Math.min(width, width - dx);
        for (int c = 0; c < channels; c++) {
            for (int y = 0; y < height; y++) {
                int row = (c * height + y) * width;
                int source = y + dy;
                if (source < 0 || source >= height || right <= left) {
                    clear(to, row, row + width);
                    continue;
                }
                clear(to, row, row + left);
                System.arraycopy(from, (c * height + source) * width + left + dx, to, row + left, right - left);
                clear(to, row + right, row + width);
            }
        }
    }

    private static void clear(byte[] to, int from, int end) {
        for (int i = from; i < end; i++) to[i] = 0;
    }

    /**
     * A random part of {@code picture}, see {@link Augmentation.ResizedCrop}; where ten trials find none that fits, the centre
     * with the nearest proportion that is allowed.
     */
    static Picture part(Picture picture, double smallest, SampleRandom random) {
        int width = picture.width(), height = picture.height();
        for (int trial = 0; trial < TRIALS; trial++) {
            double area = (double) width * height * random.uniform(smallest, 1);
            double ratio = StrictMath.exp(random.uniform(-LOG_RATIO, LOG_RATIO));
            int w = (int) Math.rint(Math.sqrt(area * ratio)), h = (int) Math.rint(Math.sqrt(area / ratio));
            if (w >= 1 && w <= width && h >= 1 && h <= height) {
                int top = random.below(height - h + 1);
                return picture.part(random.below(width - w + 1), top, w, h);
            }
        }
        int w = (int) Math.clamp(Math.rint(height * 4 / 3.0), 1, width);
        int h = (int) Math.clamp(Math.rint(width * 4 / 3.0), 1, height);
        return picture.part((width - w) / 2, (height - h) / 2, w, h);
    }
}
