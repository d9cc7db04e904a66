// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

/**
 * How many bytes LZW codes stand for, without making them (GIF89a, appendix F; TIFF 6.0, section 13).
 *
 * @param literalBits of a plain value: 8 in TIFF
 * @param lowestFirst in which order bits fill bytes: GIF begins with the lowest, TIFF with the highest
 * @param early whether codes grow one code sooner, as in TIFF
 */
record Lzw(int literalBits, boolean lowestFirst, boolean early) {
    private static final int MOST_BITS = 12;

    /** Counts up to {@code enough} and little more, and as far as codes make sense. */
    long count(byte[] bytes, int from, int to, long enough) {
        int clear = 1 << literalBits, next = clear + 2, width = literalBits + 1, previous = -1;
        var lengths = new int[1 << MOST_BITS];
        long count = 0, bit = 8L * from;
        while (count < enough && bit + width <= 8L * to) {
            int code = 0;
            for (int i = 0; i < width; i++, bit++) {
                int b = bytes[(int) (bit >> 3)];
                if (lowestFirst) code |= (b >> (bit & 7) & 1) << i;
                else code = code << 1 | b >> 7 - (bit & 7) & 1;
            }
            if (code == clear) {
                next = clear + 2;
                width = literalBits + 1;
                previous = -1;
                continue;
            }
            if (code == clear + 1) break;
            int before = previous < 0 ? 0 : previous < clear ? 1 : lengths[previous];
            if (code > next || code == next && (previous < 0 || next == lengths.length)) break;
            if (previous >= 0 && next < lengths.length) {
                lengths[next++] = before + 1;
                if (next == (1 << width) - (early ? 1 : 0) && width < MOST_BITS) width++;
            }
            count += code < clear ? 1 : lengths[code];
            previous = code;
        }
        return count;
    }
}
