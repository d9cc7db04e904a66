// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.io.FormatException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** A file's content, unpacked on the way if it is gzipped; damage becomes a {@link FormatException} naming the file. */
final class Unpacked {
    private static final int BUFFER = 1 << 16;

    /** What content may be for each byte of its file, and besides: digits pack to a fifth, photographs hardly at all. */
    private static final long DENSEST = 64, SMALL = 1 << 20;

    private Unpacked() {}

    /** Takes what it needs of the content. */
    interface Reading<T> {
        T read(InputStream in) throws IOException;
    }

    /** The first bytes of {@code file} after unpacking, fewer if it is shorter or damaged: to see what it may be. */
    static byte[] beginning(Path file, int length) throws IOException {
        try (var raw = new BufferedInputStream(Files.newInputStream(file), BUFFER)) {
            return content(file, raw).readNBytes(length);
        } catch (EOFException | ZipException e) {
            return new byte[0];
        }
    }

    /** The result of {@code reading} on the content of {@code file}, whose last byte must have been taken. */
    static <T> T read(Path file, Reading<T> reading) throws IOException {
        if (!Files.exists(file)) throw new NoSuchFileException(file.toString());
        try (var raw = new BufferedInputStream(Files.newInputStream(file), BUFFER)) {
            var in = content(file, raw);
            var result = reading.read(in);
            if (in.read() >= 0) {
                throw new FormatException(file + ": should end after what its header announces, found more bytes");
            }
            return result;
        } catch (EOFException e) {
            throw new FormatException(file + ": is truncated, it ends in the middle of its gzip stream", e);
        } catch (ZipException e) {
            throw new FormatException(file + ": its gzip stream is damaged: " + e.getMessage(), e);
        }
    }

    private static InputStream content(Path file, BufferedInputStream raw) throws IOException {
        raw.mark(2);
        boolean packed = raw.read() == 0x1f && raw.read() == 0x8b; // RFC 1952, section 2.3.1
        raw.reset();
        return packed ? new BufferedInputStream(new Bounded(file, new GZIPInputStream(raw, BUFFER)), BUFFER) : raw;
    }

    /** Ends with an exception where a gzip bomb would go off. */
    private static final class Bounded extends FilterInputStream {
        private final Path file;
        private final long most;
        private long count;

        Bounded(Path file, InputStream in) throws IOException {
            super(in);
            this.file = file;
            most = Files.size(file) * DENSEST + SMALL;
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            count += Math.max(0, read);
            if (count > most) {
                throw new FormatException(file + ": should unpack to at most " + DENSEST + " times its size, found more than " + most
                    + " bytes (unpack it first)");
            }
            return read;
        }

        @Override
        public long skip(long bytes) throws IOException {
            var scratch = new byte[(int) Math.clamp(bytes, 0, BUFFER)];
            return Math.max(0, read(scratch, 0, scratch.length));
        }
    }
}
