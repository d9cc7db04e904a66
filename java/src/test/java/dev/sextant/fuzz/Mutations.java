// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Makes damaged files out of sound ones: one to five changes each, of bits, bytes, ranges, lengths and numbers, cuts, splices of two
 * files, and words of the format in wrong places.
 *
 * @param seeds sound files, at least one
 * @param words what the format is made of and what its readers may stumble over
 */
record Mutations(List<byte[]> seeds, List<byte[]> words) {
    private static final int MOST_CHANGES = 5, HEAD = 200;
    private static final long[] EDGES = {0, 1, 2, 3, 4, 7, 8, 16, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0xffffff, 1 << 24,
        Integer.MAX_VALUE - 8, Integer.MAX_VALUE, 0x80000000L, 0xffffffffL, 0x100000000L, Long.MAX_VALUE, Long.MIN_VALUE, -1, -2, -8};
    private static final String[] NUMBERS = {"-1", "0", "1", "2147483647", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "99999999999999999999999999", "1e400", "NaN", "0x7f", "01", "1.5", "3", "65535", "1000000"};

    static List<byte[]> words(String... words) {
        return Arrays.stream(words).map(word -> word.getBytes(StandardCharsets.ISO_8859_1)).toList();
    }

    byte[] seed(RandomGenerator random) {
        return seeds.get(random.nextInt(seeds.size()));
    }

    byte[] damaged(byte[] sound, RandomGenerator random) {
        var bytes = sound.clone();
        int most = 2 * sound.length + 4096;
        for (int changes = 1 + random.nextInt(MOST_CHANGES) * random.nextInt(2); changes > 0; changes--) {
            bytes = bytes.length == 0 ? seed(random).clone() : changed(bytes, random);
            if (bytes.length > most) bytes = Arrays.copyOf(bytes, most);
        }
        return bytes;
    }

    private byte[] changed(byte[] bytes, RandomGenerator random) {
        int at = place(bytes, random);
        return switch (random.nextInt(14)) {
            case 0, 1 -> {
                bytes[at] ^= (byte) (1 << random.nextInt(8));
                yield bytes;
            }
            case 2 -> {
                bytes[at] = (byte) random.nextInt(256);
                yield bytes;
            }
            case 3, 4 -> integer(bytes, at, EDGES[random.nextInt(EDGES.length)], random);
            case 5 -> integer(bytes, at, random.nextInt(2) == 0 ? bytes.length + random.nextInt(-9, 10) : random.nextInt(), random);
            case 6 -> nudged(bytes, at, random);
            case 7 -> Arrays.copyOf(bytes, at);
            case 8 -> {
                var more = new byte[1 + random.nextInt(600)];
                if (random.nextInt(2) == 0) random.nextBytes(more);
                yield joined(bytes, bytes.length, more, bytes.length);
            }
            case 9 -> joined(bytes, at, new byte[0], Math.min(bytes.length, at + length(random)));
            case 10 -> {
                int from = place(bytes, random);
                var part = Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + length(random)));
                yield joined(bytes, at, part, random.nextInt(2) == 0 ? at : Math.min(bytes.length, at + part.length));
            }
            case 11 -> {
                var other = seed(random);
                yield joined(bytes, at, other, bytes.length, random.nextInt(other.length + 1));
            }
            case 12 -> number(bytes, at, random);
            default -> {
                if (words.isEmpty()) yield number(bytes, at, random);
                var word = words.get(random.nextInt(words.size()));
                yield joined(bytes, at, word, random.nextInt(2) == 0 ? at : Math.min(bytes.length, at + word.length));
            }
        };
    }

    /** Somewhere, half of the time near the beginning, where headers are. */
    private static int place(byte[] bytes, RandomGenerator random) {
        return random.nextInt(random.nextInt(2) == 0 ? Math.min(bytes.length, HEAD) : bytes.length);
    }

    private static int length(RandomGenerator random) {
        return 1 + random.nextInt(1 << random.nextInt(1, 11));
    }

    /** An integer of 1 to 8 bytes in either byte order. */
    private static byte[] integer(byte[] bytes, int at, long value, RandomGenerator random) {
        int size = 1 << random.nextInt(4);
        boolean little = random.nextInt(2) == 0;
        var word = ByteBuffer.allocate(Long.BYTES).order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN).putLong(value).array();
        int from = little ? 0 : Long.BYTES - size;
        for (int i = 0; i < size && at + i < bytes.length; i++) bytes[at + i] = word[from + i];
        return bytes;
    }

    /** A 16-bit or 32-bit integer a little larger or smaller than it was. */
    private static byte[] nudged(byte[] bytes, int at, RandomGenerator random) {
        if (at + Integer.BYTES > bytes.length) return bytes;
        var buffer = ByteBuffer.wrap(bytes).order(random.nextInt(2) == 0 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        int by = random.nextInt(-20, 21);
        if (random.nextInt(2) == 0) buffer.putInt(at, buffer.getInt(at) + by);
        else buffer.putShort(at, (short) (buffer.getShort(at) + by));
        return bytes;
    }

    /** The next number written in digits becomes another. */
    private static byte[] number(byte[] bytes, int from, RandomGenerator random) {
        int at = from;
        while (at < bytes.length && !isDigit(bytes[at])) at++;
        int end = at;
        while (end < bytes.length && isDigit(bytes[end])) end++;
        if (at == end) return bytes;
        return joined(bytes, at, NUMBERS[random.nextInt(NUMBERS.length)].getBytes(StandardCharsets.US_ASCII), end);
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    /** What lies before {@code at}, {@code middle}, and what begins at {@code rest}. */
    private static byte[] joined(byte[] bytes, int at, byte[] middle, int rest) {
        return joined(bytes, at, middle, rest, 0);
    }

    private static byte[] joined(byte[] bytes, int at, byte[] middle, int rest, int from) {
        var out = new ByteArrayOutputStream(at + middle.length + bytes.length - rest);
        out.write(bytes, 0, at);
        out.write(middle, from, middle.length - from);
        out.write(bytes, rest, bytes.length - rest);
        return out.toByteArray();
    }
}
