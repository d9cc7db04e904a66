// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * The table of contents of a zip archive: where in the file each entry's bytes lie, so that what is stored without compression can
 * be mapped (PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.3). Names are keys and never paths.
 */
final class ZipIndex {
    private static final int END = 0x06054b50, END64 = 0x06064b50, LOCATOR64 = 0x07064b50, CENTRAL = 0x02014b50, LOCAL = 0x04034b50;
    private static final int END_BYTES = 22, LONGEST_COMMENT = 0xffff, LOCATOR_BYTES = 20, END64_BYTES = 56, CENTRAL_BYTES = 46,
        LOCAL_BYTES = 30;
    private static final long MASK = 0xffffffffL;
    private static final ValueLayout.OfInt FOUR = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong EIGHT = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String source;
    private final MemorySegment file;
    private final SequencedMap<String, Entry> entries = new LinkedHashMap<>();

    /** What the central directory says of an entry. */
    private record Entry(long header, long packed, long size, int flags, int method) {}

    /** Bytes {@code begin} to {@code end} of the file. */
    record Range(long begin, long end) {}

    /**
     * Reads the central directory.
     *
     * @param file the whole archive
     */
    ZipIndex(String source, MemorySegment file) throws FormatException {
        this.source = source;
        this.file = file;
        long end = end();
        long count = two(end + 10), bytes = four(end + 12), begin = four(end + 16);
        if (count == 0xffff || bytes == MASK || begin == MASK) {
            long end64 = end64(end);
            count = file.get(EIGHT, end64 + 32);
            bytes = file.get(EIGHT, end64 + 40);
            begin = file.get(EIGHT, end64 + 48);
        }
        if (bytes < 0 || begin < 0 || begin > end || bytes > end - begin || count < 0 || count > bytes / CENTRAL_BYTES) {
            throw new FormatException(source + ": the archive's directory should lie before byte " + end + ", found " + count
                + " entries in " + bytes + " bytes from " + begin);
        }
        directory(count, begin, begin + bytes);
    }

    /** The names of all entries, in the directory's order. */
    Iterable<String> names() {
        return entries.sequencedKeySet();
    }

    boolean has(String name) {
        return entries.containsKey(name);
    }

    /** Where an entry's bytes lie. @throws FormatException if it is absent, compressed, encrypted or not within the file */
    Range range(String name) throws FormatException {
        var entry = entries.get(name);
        var where = source + ": entry " + Header.quote(name);
        if (entry == null) throw new FormatException(where + " should be in the archive, but is not");
        if (entry.method != 0 || (entry.flags & 1) != 0 || entry.packed != entry.size) {
            throw new FormatException(where + " should be stored as it is, as PyTorch does, found "
                + ((entry.flags & 1) != 0 ? "it encrypted" : "compression method " + entry.method));
        }
        if (!lies(entry.header, LOCAL_BYTES) || file.get(FOUR, entry.header) != LOCAL) {
            throw new FormatException(where + " should have a header at byte " + entry.header + ", found none");
        }
        long begin = entry.header + LOCAL_BYTES + two(entry.header + 26) + two(entry.header + 28);
        if (!lies(begin, entry.size)) {
            throw new FormatException(where + " should have " + entry.size + " bytes from byte " + begin + ", but the file has "
                + file.byteSize());
        }
        return new Range(begin, begin + entry.size);
    }

    /** The last record of the archive, which a comment may follow. */
    private long end() throws FormatException {
        long last = file.byteSize() - END_BYTES;
        for (long at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
            if (file.get(FOUR, at) == END && two(at + 20) == last - at) return at;
        }
        throw new FormatException(source + ": the archive should end with its directory, found none: the file is cut off or no zip");
    }

    private long end64(long end) throws FormatException {
        long locator = end - LOCATOR_BYTES;
        if (locator >= 0 && file.get(FOUR, locator) == LOCATOR64) {
            long at = file.get(EIGHT, locator + 8);
            if (at >= 0 && at <= locator - END64_BYTES && file.get(FOUR, at) == END64) return at;
        }
        throw new FormatException(source + ": the archive's end should point to a 64-bit directory, found none");
    }

    private void directory(long count, long begin, long end) throws FormatException {
        long at = begin;
        for (long i = 0; i < count; i++) {
            if (end - at < CENTRAL_BYTES || file.get(FOUR, at) != CENTRAL) throw broken(i, at);
            int name = two(at + 28), extra = two(at + 30), comment = two(at + 32);
            long next = at + CENTRAL_BYTES + name + extra + comment;
            if (next > end) throw broken(i, at);
            var bytes = file.asSlice(at + CENTRAL_BYTES, name).toArray(ValueLayout.JAVA_BYTE);
            var text = new String(bytes, StandardCharsets.UTF_8);
            if (entries.put(text, entry(at, at + CENTRAL_BYTES + name, extra)) != null) {
                throw new FormatException(source + ": entry " + Header.quote(text) + " should be in the archive once, found it twice");
            }
            at = next;
        }
    }

    /** Sizes and offsets that do not fit 32 bits stand in an extra field, in this order. */
    private Entry entry(long at, long extra, int extraBytes) {
        long size = four(at + 24), packed = four(at + 20), header = four(at + 42);
        for (long field = extra; field + 4 <= extra + extraBytes; field += 4 + two(field + 2)) {
            if (two(field) != 1) continue;
            long value = field + 4, stop = Math.min(extra + extraBytes, value + two(field + 2));
            if (size == MASK && value + 8 <= stop) {
                size = file.get(EIGHT, value);
                value += 8;
            }
            if (packed == MASK && value + 8 <= stop) {
                packed = file.get(EIGHT, value);
                value += 8;
            }
            if (header == MASK && value + 8 <= stop) header = file.get(EIGHT, value);
            break;
        }
        return new Entry(header, packed, size, two(at + 8), two(at + 10));
    }

    private FormatException broken(long entry, long at) {
        return new FormatException(source + ": the archive's directory should have entry " + entry + " at byte " + at + ", found none");
    }

    private boolean lies(long begin, long bytes) {
        return begin >= 0 && bytes >= 0 && begin <= file.byteSize() && bytes <= file.byteSize() - begin;
    }

    private int two(long at) {
        return file.get(ValueLayout.JAVA_BYTE, at) & 0xff | (file.get(ValueLayout.JAVA_BYTE, at + 1) & 0xff) << 8;
    }

    private long four(long at) {
        return file.get(FOUR, at) & MASK;
    }
}
