// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.io.FormatException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The plain files of a tar archive, one after the other (POSIX.1-1988, "ustar"; 2001's extended headers are passed over where
 * they say nothing that matters here). What it does not know it refuses.
 */
final class Tar {
    private static final int BLOCK = 512, LARGEST = 1 << 26;

    private final Path file;
    private final InputStream in;
    private long at;
    private String name;
    private int size, left;

    private Tar(Path file, InputStream in) {
        this.file = file;
        this.in = in;
    }

    /** Takes one file: all of its content with {@link Tar#content}, or none. */
    interface Visitor {
        void visit(Tar tar, String name) throws IOException;
    }

    /** Shows every plain file of an archive, which may be gzipped, to {@code visitor}. */
    static void read(Path file, Visitor visitor) throws IOException {
        Unpacked.read(file, in -> {
            var tar = new Tar(file, in);
            while (tar.next()) {
                visitor.visit(tar, tar.name);
                tar.skip(tar.left + padding(tar.size));
            }
            in.transferTo(OutputStream.nullOutputStream()); // what fills the last record
            return null;
        });
    }

    /** The content of the file that is being visited. */
    byte[] content() throws IOException {
        var content = in.readNBytes(left);
        at += content.length;
        left -= content.length;
        if (left > 0) throw truncated();
        return content;
    }

    /** Goes to the next plain file; false at the end of the archive. */
    private boolean next() throws IOException {
        while (true) {
            long begin = at;
            var header = in.readNBytes(BLOCK);
            at += header.length;
            if (header.length < BLOCK) throw truncated();
            if (isZero(header)) return false;
            check(header, begin);
            size = (int) octal(header, 124, 12, LARGEST, "size", begin);
            left = size;
            name = name(header);
            switch (header[156]) {
                case '0', 0, '7' -> {
                    if (name.isEmpty() || name.startsWith("/") || Arrays.asList(name.split("/")).contains("..")
                            || !name.equals(shown(name))) {
                        throw bad(begin, "should name a file within the archive, found '" + shown(name) + "'");
                    }
                    return true;
                }
                case '5' -> skip(left + padding(size));
                case 'x', 'g' -> extended(begin);
                default -> throw bad(begin, "is of type '" + shown(String.valueOf((char) (header[156] & 0xff))) + "' (" + shown(name)
                    + "); links, devices and names of more than 255 bytes are not supported");
            }
        }
    }

    /** Records {@code length keyword=value\n}: times and owners do not matter, names and sizes would. */
    private void extended(long begin) throws IOException {
        var records = new String(content(), StandardCharsets.UTF_8);
        if (records.contains(" path=") || records.contains(" size=") || records.contains(" linkpath=")) {
            throw bad(begin, "is an extended header with a name or size of its own, which is not supported");
        }
        skip(padding(size));
    }

    private void check(byte[] header, long begin) throws FormatException {
        long sum = 8 * ' '; // the field itself counts as spaces
        for (int i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i] & 0xff;
        long stated = octal(header, 148, 8, Integer.MAX_VALUE, "checksum", begin);
        if (sum != stated) {
            throw bad(begin, "should have a checksum of " + sum + ", found " + stated + ": this is no tar or it is damaged");
        }
    }

    private static String name(byte[] header) {
        var name = text(header, 0, 100);
        boolean ustar = text(header, 257, 5).equals("ustar") && header[262] == 0; // GNU's own format has a space there
        var prefix = ustar ? text(header, 345, 155) : "";
        var whole = prefix.isEmpty() ? name : prefix + "/" + name;
        return whole.startsWith("./") ? whole.substring(2) : whole;
    }

    /** A name as it may stand in a message of one line. */
    private static String shown(String name) {
        return name.replaceAll("[\\p{Cc}\\p{Zl}\\p{Zp}]", "?");
    }

    private static String text(byte[] header, int from, int length) {
        int end = from;
        while (end < from + length && header[end] != 0) end++;
        return new String(header, from, end - from, StandardCharsets.UTF_8);
    }

    /** Octal digits, with spaces or a zero byte before the end of the field. */
    private long octal(byte[] header, int from, int length, long most, String what, long begin) throws FormatException {
        var digits = new String(header, from, length, StandardCharsets.ISO_8859_1).replace('\0', ' ').strip();
        if (!digits.matches("[0-7]{1,12}") || Long.parseLong(digits, 8) > most) {
            throw bad(begin, "should have a " + what + " of at most " + most + " in octal digits, found '"
                + digits.replaceAll("[^ -~]", "?") + "'");
        }
        return Long.parseLong(digits, 8);
    }

    private void skip(long bytes) throws IOException {
        try {
            in.skipNBytes(bytes);
        } catch (EOFException e) {
            throw truncated();
        }
        at += bytes;
    }

    private static int padding(int size) {
        return -size & BLOCK - 1;
    }

    private static boolean isZero(byte[] block) {
        for (byte b : block) if (b != 0) return false;
        return true;
    }

    private FormatException truncated() {
        return new FormatException(file + ": archive is truncated, it ends before a block of zeros, after "
            + (name == null ? "nothing" : shown(name)));
    }

    private FormatException bad(long begin, String what) {
        return new FormatException(file + ": header at byte " + begin + " " + what);
    }
}
