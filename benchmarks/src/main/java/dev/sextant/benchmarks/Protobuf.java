// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** A message in Protocol Buffers' wire format, as far as an ONNX file needs it. Methods return the message itself. */
final class Protobuf {
    private static final int VARINT = 0, BYTES = 2, FIXED32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    int size() {
        return out.size();
    }

    void writeTo(OutputStream target) throws IOException {
        out.writeTo(target);
    }

    Protobuf varint(int field, long value) {
        raw((long) field << 3 | VARINT);
        raw(value);
        return this;
    }

    Protobuf float32(int field, float value) {
        raw((long) field << 3 | FIXED32);
        int bits = Float.floatToRawIntBits(value);
        for (int i = 0; i < 4; i++) out.write(bits >>> 8 * i);
        return this;
    }

    Protobuf string(int field, String text) {
        return bytes(field, text.getBytes(StandardCharsets.UTF_8));
    }

    Protobuf message(int field, Protobuf message) {
        return bytes(field, message.out.toByteArray());
    }

    Protobuf packed(int field, long[] values) {
        var packed = new Protobuf();
        for (long value : values) packed.raw(value);
        return message(field, packed);
    }

    /** Announces {@code length} bytes that the caller writes himself. */
    Protobuf length(int field, long length) {
        raw((long) field << 3 | BYTES);
        raw(length);
        return this;
    }

    static Protobuf prefix(int field, long length) {
        return new Protobuf().length(field, length);
    }

    private Protobuf bytes(int field, byte[] bytes) {
        length(field, bytes.length);
        out.writeBytes(bytes);
        return this;
    }

    private void raw(long value) {
        for (; (value & ~0x7FL) != 0; value >>>= 7) out.write((int) (value & 0x7F | 0x80));
        out.write((int) value);
    }
}
