// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.util.Arrays;

/**
 * Antialiased resizing with the very samples that Pillow gives for 8-bit images.
 *
 * <p>{@code out[p] = sum_x in[x] f((x + 1/2 - (p + 1/2) s) / max(s, 1))}, {@code s = in size / out size}, weights normalised to
 * sum 1: a filter stretched by the scale when shrinking, plain interpolation when growing (D. Schumacher, "General filtered image
 * rescaling", Graphics Gems III, 1992). To agree in every bit the order and the rounding are Pillow's: each row first, 8-bit
 * samples between the passes, weights in fixed point of 22 fractional bits.
 */
final class Resample {
    /** An 8-bit sample times a weight of 22 fractional bits, with two bits to spare for a sum that overshoots. */
    private static final int FRACTION = 32 - 8 - 2;

    private static final int HALF = 1 << FRACTION - 1;

    private Resample() {}

    static Pixels resize(Pixels in, int width, int height, Filter filter) {
        // Newer versions of Pillow do this with pictures over a hundred times as high as wide.
        if (in.height() > 100L * in.width() && height < in.height()) return horizontal(vertical(in, height, filter), width, filter);
        return vertical(horizontal(in, width, filter), height, filter);
    }

    /**
     * For each output sample, where its window begins and the weights in it.
     *
     * @param first index of the window's first input sample
     * @param weights {@code length} of them for each output sample, zeros after the window's last
     */
    private record Windows(int[] first, int[] weights, int length) {

        static Windows of(int in, int out, Filter filter) {
            double scale = (double) in / out;
            double stretch = Math.max(scale, 1);
            double support = filter.reach * stretch;
            int length = (int) Math.ceil(support) * 2 + 1;
            var first = new int[out];
            var weights = new int[Math.multiplyExact(out, length)];
            var window = new double[length];
            for (int p = 0; p < out; p++) {
                double centre = (p + 0.5) * scale;
                int begin = Math.max(0, (int) (centre - support + 0.5));
                int count = Math.min(in, (int) (centre + support + 0.5)) - begin;
                double sum = 0;
                for (int i = 0; i < count; i++) {
                    window[i] = filter.at(Math.abs((i + begin - centre + 0.5) * (1 / stretch)));
                    sum += window[i];
                }
                first[p] = begin;
                for (int i = 0; i < count; i++) weights[p * length + i] = fixed(window[i] / sum);
            }
            return new Windows(first, weights, length);
        }

        /** Rounded to nearest, halves away from 0. */
        private static int fixed(double weight) {
            return (int) (weight * (1 << FRACTION) + (weight < 0 ? -0.5 : 0.5));
        }

        int last(int p, int in) {
            return Math.min(length, in - first[p]);
        }
    }

    private static Pixels horizontal(Pixels in, int width, Filter filter) {
        if (width == in.width()) return in;
        var windows = Windows.of(in.width(), width, filter);
        int channels = in.channels();
        var from = in.samples();
        var to = new byte[Math.multiplyExact(Math.multiplyExact(width, in.height()), channels)];
        for (int y = 0; y < in.height(); y++) {
            int row = y * in.width();
            for (int x = 0; x < width; x++) {
                int begin = (row + windows.first()[x]) * channels;
                int count = windows.last(x, in.width());
                for (int c = 0; c < channels; c++) {
                    int sum = HALF;
                    for (int i = 0; i < count; i++) {
                        sum += (from[begin + i * channels + c] & 0xff) * windows.weights()[x * windows.length() + i];
                    }
                    to[(y * width + x) * channels + c] = clipped(sum);
                }
            }
        }
        return new Pixels(width, in.height(), channels, to);
    }

    /** Row by row, so that memory is read in order: each output row gathers whole input rows. */
    private static Pixels vertical(Pixels in, int height, Filter filter) {
        if (height == in.height()) return in;
        var windows = Windows.of(in.height(), height, filter);
        int row = in.width() * in.channels();
        var from = in.samples();
        var to = new byte[Math.multiplyExact(height, row)];
        var sums = new int[row];
        for (int y = 0; y < height; y++) {
            Arrays.fill(sums, HALF);
            for (int i = 0; i < windows.last(y, in.height()); i++) {
                int weight = windows.weights()[y * windows.length() + i];
                int begin = (windows.first()[y] + i) * row;
                for (int x = 0; x < row; x++) sums[x] += (from[begin + x] & 0xff) * weight;
            }
            for (int x = 0; x < row; x++) to[y * row + x] = clipped(sums[x]);
        }
        return new Pixels(in.width(), height, in.channels(), to);
    }

    private static byte clipped(int sum) {
        return (byte) Math.clamp(sum >> FRACTION, 0, 255);
    }
}
