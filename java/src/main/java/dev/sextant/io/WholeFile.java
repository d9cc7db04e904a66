// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A file that appears whole or not at all: written under another name in the same folder, then moved over its place. */
public final class WholeFile {
    private static final int CHUNK = 1 << 20, LARGEST = 1 << 28;

    private final FileChannel channel;

    private WholeFile(FileChannel channel) {
        this.channel = channel;
    }

    /** Puts the content into an open file. */
    @FunctionalInterface
    public interface Content {
        void writeTo(WholeFile out) throws IOException;
    }

    /** Writes {@code file}, replacing what is there; whatever goes wrong, the old file stays and nothing else is left behind. */
    public static void write(Path file, Content content) throws IOException {
        // Not Files.createTempFile: its files are readable by their owner alone, and the move would keep that.
        var name = file.getFileName();
        if (name == null) throw new IOException(file + ": expected the name of a file to write, found none");
        if (!Files.isDirectory(file.toAbsolutePath().getParent())) {
            throw new FileSystemException(file.toString(), null, "cannot be written, its folder does not exist");
        }
        var temporary = file.resolveSibling("." + name + "." + Long.toHexString(System.nanoTime()) + ".tmp");
        try {
            try (var channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                content.writeTo(new WholeFile(channel));
                channel.force(true);
            }
            try {
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
            }
            forceFolder(file.toAbsolutePath().getParent());
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Brings the new name to the disk too, where the system lets folders be opened for it. */
    private static void forceFolder(Path folder) {
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException _) {
            // The file is whole either way; which of the two a crash of the machine leaves is up to the system then.
        }
    }

    /** Appends all of {@code bytes}. */
    public void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) channel.write(bytes);
    }

    /** Appends bytes as they are. */
    void write(MemorySegment bytes) throws IOException {
        for (long done = 0; done < bytes.byteSize(); done += LARGEST) {
            write(bytes.asSlice(done, Math.min(LARGEST, bytes.byteSize() - done)).asByteBuffer());
        }
    }

    /** Appends float32 values in little-endian order. */
    public void writeFloats(MemorySegment floats) throws IOException {
        var chunk = ByteBuffer.allocateDirect(CHUNK);
        var target = MemorySegment.ofBuffer(chunk);
        for (long done = 0; done < floats.byteSize(); done += CHUNK) {
            long bytes = Math.min(CHUNK, floats.byteSize() - done);
            MemorySegment.copy(floats, ValueLayout.JAVA_FLOAT_UNALIGNED, done, target,
                ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0, bytes / Float.BYTES);
            write(chunk.position(0).limit((int) bytes));
        }
    }
}
