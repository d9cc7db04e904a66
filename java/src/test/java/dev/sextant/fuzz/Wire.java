// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;

/**
 * Protocol buffers with marks for the beginning and end of what has a length: damaged in this form and written back, their lengths
 * fit again, however deep the damage lies.
 */
final class Wire {
    private static final byte[] BEGIN = {(byte) 0xfe, (byte) 0xb1}, END = {(byte) 0xfe, (byte) 0xb2};
    private static final int DEEPEST = 40;

    private Wire() {}

    /** A field of text, with marks, for a dictionary. */
    static byte[] field(int number, String text) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(BEGIN);
        varint(number << 3 | 2, out);
        out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(END);
        return out.toByteArray();
    }

    /** A message with marks in place of lengths; what is no message stays as it is. */
    static byte[] marked(byte[] message) {
        var out = new ByteArrayOutputStream();
        return mark(message, 0, message.length, out, 0) ? out.toByteArray() : message;
    }

    private static boolean mark(byte[] bytes, int from, int to, ByteArrayOutputStream out, int depth) {
        var at = new int[] {from};
        while (at[0] < to) {
            int begin = at[0];
            long tag = varint(bytes, at, to);
            if (tag <= 7 || tag > 1 << 14) return false;
            switch ((int) tag & 7) {
                case 0 -> varint(bytes, at, to);
                case 1 -> at[0] += 8;
                case 5 -> at[0] += 4;
                case 2 -> {
                    long length = varint(bytes, at, to);
                    if (length < 0 || length > to - at[0]) return false;
                    var inner = new ByteArrayOutputStream();
                    out.writeBytes(BEGIN);
                    varint(tag, out);
                    boolean message = length > 0 && depth < DEEPEST && mark(bytes, at[0], at[0] + (int) length, inner, depth + 1);
                    if (message) out.writeBytes(inner.toByteArray());
                    else out.write(bytes, at[0], (int) length);
                    out.writeBytes(END);
                    at[0] += (int) length;
                    continue;
                }
                default -> {
                    return false;
                }
            }
            if (at[0] > to) return false;
            out.write(bytes, begin, at[0] - begin);
        }
        return true;
    }

    private static long varint(byte[] bytes, int[] at, int to) {
        long value = 0;
        for (int shift = 0; shift < 64 && at[0] < to; shift += 7) {
            byte b = bytes[at[0]++];
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) return value;
        }
        at[0] = to + 1;
        return -1;
    }

    private static void varint(long value, ByteArrayOutputStream out) {
        for (; (value & ~0x7f) != 0; value >>>= 7) out.write((int) value & 0x7f | 0x80);
        out.write((int) value);
    }

    /** Lengths in place of marks. */
    static byte[] written(byte[] marked) {
        var open = new ArrayDeque<ByteArrayOutputStream>();
        var tags = new ArrayDeque<Long>();
        open.push(new ByteArrayOutputStream());
        var at = new int[1];
        while (at[0] < marked.length) {
            boolean mark = at[0] + 1 < marked.length && marked[at[0]] == BEGIN[0];
            if (mark && marked[at[0] + 1] == BEGIN[1] && open.size() < 2 * DEEPEST) {
                at[0] += 2;
                tags.push(varint(marked, at, marked.length));
                open.push(new ByteArrayOutputStream());
            } else if (mark && marked[at[0] + 1] == END[1] && open.size() > 1) {
                at[0] += 2;
                close(open, tags);
            } else {
                open.peek().write(marked[at[0]++]);
            }
        }
        while (open.size() > 1) close(open, tags);
        return open.peek().toByteArray();
    }

    private static void close(ArrayDeque<ByteArrayOutputStream> open, ArrayDeque<Long> tags) {
        var inner = open.pop();
        varint(tags.pop(), open.peek());
        varint(inner.size(), open.peek());
        open.peek().writeBytes(inner.toByteArray());
    }
}
