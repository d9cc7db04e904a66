// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.io.EOFException;
import javax.imageio.IIOException;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * A file in memory, for readers. Some go on at its end as if zeros followed, an exception for each byte and for as long as the
 * header's claim lasts: after a few, all others fail for good.
 */
final class FileBytes extends ImageInputStreamImpl {
    /** What a decoder may read ahead. */
    private static final int MOST_BEHIND = 64;

    private final byte[] bytes;
    private int behind;

    FileBytes(byte[] bytes) {
        this.bytes = bytes;
    }

    @Override
    public int read() {
        bitOffset = 0;
        return streamPos < bytes.length ? bytes[(int) streamPos++] & 0xff : -1;
    }

    @Override
    public int read(byte[] to, int offset, int length) {
        bitOffset = 0;
        if (streamPos >= bytes.length) return length == 0 ? 0 : -1;
        int count = (int) Math.min(length, bytes.length - streamPos);
        System.arraycopy(bytes, (int) streamPos, to, offset, count);
        streamPos += count;
        return count;
    }

    @Override
    public byte readByte() throws IIOException, EOFException {
        int read = read();
        if (read >= 0) return (byte) read;
        if (++behind > MOST_BEHIND) throw new IIOException("its data end early");
        throw new EOFException();
    }

    @Override
    public long length() {
        return bytes.length;
    }
}
