// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files either open or are refused with a {@link FormatException}. */
class SafetensorsFuzzTest {
    private static final byte[] VALID = SafetensorsTest.bytes("""
        {"__metadata__":{"format":"pt","sextant.labels":"a b"},"conv.weight":{"dtype":"F32","shape":[2,1,3,3],"data_offsets":[0,72]},
        "conv.bias":{"dtype":"F16","shape":[2],"data_offsets":[72,76]},"q":{"dtype":"I8","shape":[2,4],"data_offsets":[76,84]},
        "q_scale":{"dtype":"F32","shape":[2],"data_offsets":[84,92]},"n":{"dtype":"I64","shape":[],"data_offsets":[92,100]}}""",
        new byte[100]);

    private static final List<String> HOSTILE = List.of("-1", "9223372036854775807", "9223372036854775808", "2147483648", "1e400", "0", "NaN", "null",
        "{", "}", "[", "]", "\"", ",", ":", "\\u0000", "\\ud800", "[[[[[[[[[[", "true", "99999999999999999999999999999", "\"F64\"", "\"q\":{}", "\n");

    @TempDir
    Path folder;

    @Test
    void damagedHeadersParseOrAreRefused() {
        run(20_000, "f", VALID, bytes -> {
            if (bytes.length < 8) return;
            long stated = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
            int length = Header.length("f", stated, bytes.length - 8);
            Header.parse("f", ByteBuffer.wrap(bytes, 8, length).slice(), bytes.length - 8 - length);
        });
    }

    @Test
    void damagedFilesOpenOrAreRefused() {
        var file = folder.resolve("f.safetensors");
        run(500, file.toString(), VALID, bytes -> open(file, bytes));
    }

    @Test
    void damagedPackedFilesOpenOrAreRefused() throws IOException {
        var file = folder.resolve("f.safetensors.gz");
        run(300, file.toString(), pack(VALID), bytes -> open(file, bytes));
        run(300, file.toString(), VALID, bytes -> open(file, pack(bytes)));
    }

    private static void open(Path file, byte[] bytes) throws IOException {
        Files.write(file, bytes);
        try (var weights = Safetensors.open(file)) {
            for (var key : weights.keys()) {
                try {
                    weights.floats(key);
                } catch (UnsupportedOperationException e) {
                    // A flipped dtype can turn real numbers into integers.
                }
            }
        }
    }

    /** Reads one damaged file. */
    private interface Reading {
        void read(byte[] bytes) throws IOException;
    }

    private static void run(int mutations, String source, byte[] valid, Reading reading) {
        var random = new Random(20261124);
        int refused = 0;
        for (int i = 0; i < mutations; i++) {
            var bytes = damage(valid, random);
            try {
                reading.read(bytes);
            } catch (FormatException e) {
                refused++;
                assertTrue(e.getMessage().startsWith(source + ": ") && !e.getMessage().contains("\n"), e.getMessage());
            } catch (Exception | StackOverflowError | OutOfMemoryError e) {
                fail("mutation " + i + ": " + HexFormat.of().formatHex(bytes), e);
            }
        }
        assertTrue(refused > mutations / 10 && refused < mutations, refused + " of " + mutations + " refused");
    }

    private static byte[] damage(byte[] valid, Random random) {
        var bytes = valid.clone();
        int header = Math.min(bytes.length, bytes.length - 100 > 0 ? bytes.length - 100 : bytes.length);
        return switch (random.nextInt(6)) {
            case 0 -> {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                yield bytes;
            }
            case 1 -> {
                for (int i = 0; i < 4; i++) bytes[random.nextInt(header)] = (byte) random.nextInt(256);
                yield bytes;
            }
            case 2 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 20));
            case 3 -> {
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, random.nextLong() >> random.nextInt(64));
                yield bytes;
            }
            default -> splice(bytes, random.nextInt(8, header), random.nextInt(6), HOSTILE.get(random.nextInt(HOSTILE.size())));
        };
    }

    /** Puts {@code text} in place of {@code removed} bytes of the header and, mostly, corrects the header's length. */
    private static byte[] splice(byte[] bytes, int at, int removed, String text) {
        var out = new ByteArrayOutputStream();
        int rest = Math.min(bytes.length, at + removed);
        out.write(bytes, 0, at);
        out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
        out.write(bytes, rest, bytes.length - rest);
        var result = out.toByteArray();
        if (at % 5 != 0) {
            var buffer = ByteBuffer.wrap(result).order(ByteOrder.LITTLE_ENDIAN);
            buffer.putLong(0, buffer.getLong(0) + result.length - bytes.length);
        }
        return result;
    }

    private static byte[] pack(byte[] bytes) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }
}
