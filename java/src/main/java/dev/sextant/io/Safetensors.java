// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import tools.jackson.core.JsonEncoding;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads and writes safetensors files: eight bytes of header length, a JSON header naming each tensor's type, shape and place,
 * then the elements in little-endian order (format: huggingface/safetensors, "Format" in its README).
 */
public final class Safetensors {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int CHUNK = 1 << 16;

    /** What tensors may take for each byte of a packed file, and besides: trained weights pack to a quarter at best. */
    private static final long DENSEST = 64, SMALL = 1 << 20;

    private Safetensors() {}

    /**
     * Opens a file. It is mapped, not read: float32 tensors are the file's own pages, so the file should not be overwritten in
     * place meanwhile (replacing it, as {@link #write} does, is safe). A name ending in {@code .gz} is unpacked to memory
     * instead.
     *
     * @throws FormatException if anything in the file contradicts the format, naming the file, the key, what was expected and
     *     found
     * @throws IOException if the file cannot be read
     */
    public static Weights open(Path file) throws IOException {
        return file.toString().endsWith(".gz") ? unpack(file) : map(file);
    }

    /** Whether {@code first}, the first nine bytes of a file, are a length and the beginning of a header. */
    static boolean beginsWith(byte[] first) {
        return first.length > Long.BYTES && first[Long.BYTES] == '{' && (first[4] | first[5] | first[6] | first[7]) == 0;
    }

    /** Whether a file that begins with {@code first} is compressed by gzip. */
    static boolean isPacked(byte[] first) {
        return first.length > 1 && first[0] == 0x1f && first[1] == (byte) 0x8b;
    }

    static Weights map(Path file) throws IOException {
        var source = file.toString();
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < Long.BYTES) {
                throw new FormatException(source + ": a safetensors file begins with an 8-byte header length, found " + size
                    + " bytes");
            }
            var word = exactly(channel, Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            int length = Header.length(source, word.getLong(), size - Long.BYTES);
            long begin = Long.BYTES + length;
            var header = Header.parse(source, exactly(channel, length), size - begin);
            return StoredWeights.of(source, header,
                arena -> channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena).asSlice(begin));
        } catch (EOFException e) {
            throw new FormatException(source + ": the file became shorter while it was read", e);
        }
    }

    private static ByteBuffer exactly(FileChannel channel, int count) throws IOException {
        var bytes = ByteBuffer.allocate(count);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes) < 0) throw new EOFException();
        }
        return bytes.flip();
    }

    /**
     * The header says how much memory the elements take, and the packed size how much it can be at most: no zip bomb goes off.
     */
    static Weights unpack(Path file) throws IOException {
        var source = file.toString();
        long largest = Files.size(file) * DENSEST + SMALL;
        try (var in = new GZIPInputStream(new BufferedInputStream(Files.newInputStream(file), CHUNK), CHUNK)) {
            var word = ByteBuffer.wrap(exactly(in, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
            int length = Header.length(source, word.getLong(), largest);
            var header = Header.parse(source, ByteBuffer.wrap(exactly(in, length)), -1);
            if (header.dataBytes() > largest) {
                throw new FormatException(source + ": tensors should end within the file, but they take " + header.dataBytes()
                    + " bytes, and a packed file of this size may hold " + largest + " at most (unpack it first)");
            }
            return StoredWeights.of(source, header, arena -> fill(source, in, arena.allocate(header.dataBytes(), 64)));
        } catch (EOFException e) {
            throw new FormatException(source + ": the packed file should hold a whole safetensors file, but ends early", e);
        } catch (ZipException e) {
            throw new FormatException(source + ": should be a gzip file: " + e.getMessage(), e);
        }
    }

    private static MemorySegment fill(String source, InputStream in, MemorySegment data) throws IOException {
        var chunk = new byte[CHUNK];
        long filled = 0;
        for (int read; (read = in.read(chunk)) > 0; filled += read) {
            if (read > data.byteSize() - filled) {
                throw new FormatException(source + ": tensors end at byte " + data.byteSize() + " of the data, but more follow");
            }
            MemorySegment.copy(chunk, 0, data, ValueLayout.JAVA_BYTE, filled, read);
        }
        if (filled < data.byteSize()) {
            throw new FormatException(source + ": tensors end at byte " + data.byteSize() + " of the data, but only " + filled
                + " are there");
        }
        return data;
    }

    /**
     * Reads the bytes of a file that are in memory already.
     *
     * @param source what messages call them
     * @throws FormatException as {@link #open}
     */
    public static Weights read(byte[] bytes, String source) throws IOException {
        if (bytes.length < Long.BYTES) {
            throw new FormatException(source + ": a safetensors file begins with an 8-byte header length, found " + bytes.length
                + " bytes");
        }
        var all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int length = Header.length(source, all.getLong(0), bytes.length - Long.BYTES);
        int begin = Long.BYTES + length;
        var header = Header.parse(source, all.slice(Long.BYTES, length), bytes.length - begin);
        return StoredWeights.of(source, header, arena -> {
            var data = arena.allocate(bytes.length - begin, 64);
            MemorySegment.copy(bytes, begin, data, ValueLayout.JAVA_BYTE, 0, bytes.length - begin);
            return data;
        });
    }

    private static byte[] exactly(InputStream in, int count) throws IOException {
        var bytes = in.readNBytes(count);
        if (bytes.length < count) throw new EOFException();
        return bytes;
    }

    /**
     * Writes float32 tensors, sorted by key, the data 8-byte aligned. The file appears whole or not at all: it
     * is written beside its place and moved there.
     *
     * @param metadata notes of the writer's own, may be empty
     */
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        write(file, tensors, Map.of(), metadata);
    }

    /** As {@link #write(Path, Map, Map)}, rounded to 16 bits (IEEE half precision): half the size, 11 significant bits. */
    public static void writeHalf(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        var parts = new TreeMap<String, Part>();
        tensors.forEach((key, tensor) -> parts.put(key, new Part(DType.F16, tensor.shape(), out -> out.write(halves(tensor.data())))));
        write(file, parts, metadata);
    }

    /**
     * As {@link #write(Path, Map, Map)}, what has two dimensions or more rounded to 8 bits with a scale for each index of the first: a
     * quarter of the size.
     */
    public static void writeBytes(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        var plain = new TreeMap<String, Tensor>();
        var rounded = new TreeMap<String, Int8>();
        tensors.forEach((key, tensor) -> {
            if (tensor.shape().rank() < 2) plain.put(key, tensor);
            else rounded.put(key, Int8.of(tensor.shape(), tensor.data()));
        });
        write(file, plain, rounded, metadata);
    }

    /**
     * Writes float32 tensors and such of 8 bits, each of these with its scales under {@code KEY_scale}; otherwise as
     * {@link #write(Path, Map, Map)}.
     */
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, Int8> quantised, Map<String, String> metadata)
            throws IOException {
        var parts = new TreeMap<String, Part>();
        tensors.forEach((key, tensor) -> parts.put(key, Part.of(tensor)));
        quantised.forEach((key, int8) -> {
            parts.put(key, new Part(DType.I8, int8.shape(), out -> out.write(ByteBuffer.wrap(int8.values()))));
            parts.put(key + StoredWeights.SCALE, Part.of(int8.scaleTensor()));
        });
        write(file, parts, metadata);
    }

    /**
     * Writes tensors of {@code weights} bit for bit, of the type that they are stored in, 8-bit ones with their scales.
     *
     * @param keys what is written: from the name in the new file to the key in {@code weights}
     * @param shapes of tensors that are to have another one with as many elements, by name
     */
    public static void write(Path file, Weights weights, Map<String, String> keys, Map<String, Shape> shapes, Map<String, String> metadata)
            throws IOException {
        var parts = new TreeMap<String, Part>();
        keys.forEach((name, key) -> {
            var shape = shapes.getOrDefault(name, weights.shape(key));
            if (weights instanceof StoredWeights stored) {
                parts.put(name, new Part(weights.dtype(key), shape, out -> stored.copyTo(key, out)));
                if (stored.hasScale(key)) {
                    var scale = key + StoredWeights.SCALE;
                    parts.put(name + StoredWeights.SCALE,
                        new Part(stored.dtype(scale), stored.shape(scale), out -> stored.copyTo(scale, out)));
                }
            } else {
                parts.put(name, Part.of(weights.tensor(key).reshape(shape)));
            }
        });
        write(file, parts, metadata);
    }

    /** A tensor to be written. */
    private record Part(DType dtype, Shape shape, WholeFile.Content content) {
        static Part of(Tensor tensor) {
            return new Part(DType.F32, tensor.shape(), out -> out.writeFloats(tensor.data()));
        }
    }

    private static void write(Path file, SortedMap<String, Part> parts, Map<String, String> metadata) throws IOException {
        var json = new ByteArrayOutputStream();
        long end = 0;
        try (var out = JSON.createGenerator(ObjectWriteContext.empty(), json, JsonEncoding.UTF8)) {
            out.writeStartObject();
            if (!metadata.isEmpty()) {
                out.writeName(Header.METADATA);
                out.writeStartObject();
                new TreeMap<>(metadata).forEach(out::writeStringProperty);
                out.writeEndObject();
            }
            for (var entry : parts.entrySet()) {
                if (entry.getKey().equals(Header.METADATA)) {
                    throw new IllegalArgumentException(file + ": a tensor cannot be called " + Header.METADATA);
                }
                var part = entry.getValue();
                long begin = end;
                end += part.shape().elements() * part.dtype().bytes();
                out.writeName(entry.getKey());
                out.writeStartObject();
                out.writeStringProperty("dtype", part.dtype().name());
                out.writeName("shape");
                out.writeStartArray();
                for (int dim : part.shape().dims()) out.writeNumber(dim);
                out.writeEndArray();
                out.writeName("data_offsets");
                out.writeStartArray();
                out.writeNumber(begin);
                out.writeNumber(end);
                out.writeEndArray();
                out.writeEndObject();
            }
            out.writeEndObject();
        }
        while (json.size() % 8 != 0) json.write(' ');
        if (json.size() > Header.LONGEST) {
            throw new IOException(file + ": header length should be at most " + Header.LONGEST + " bytes, would be " + json.size());
        }
        WholeFile.write(file, out -> {
            out.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.size()).flip());
            out.write(ByteBuffer.wrap(json.toByteArray()));
            for (var part : parts.values()) part.content().writeTo(out);
        });
    }

    private static ByteBuffer halves(MemorySegment floats) {
        long count = floats.byteSize() / Float.BYTES;
        var halves = ByteBuffer.allocate(Math.toIntExact(count * Short.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        for (long i = 0; i < count; i++) halves.putShort(Float.floatToFloat16(floats.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i)));
        return halves.flip();
    }
}
