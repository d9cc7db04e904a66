// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.io.FormatException;
import dev.sextant.onnx.Document.Span;
import dev.sextant.onnx.Document.Stored;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;

/** The tensors of a model file and of the files beside it, mapped and checked: their bytes are those that type and shape ask for. */
final class StoredNumbers {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);
    private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(LITTLE);
    private static final ValueLayout.OfShort TWO = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE);
    private static final ValueLayout.OfInt FOUR = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE);
    private static final ValueLayout.OfLong EIGHT = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE);

    private final Path file;
    private final Arena arena;
    private final MemorySegment mapped;
    private final Map<String, MemorySegment> others = new HashMap<>();

    /** Maps {@code file} as long as {@code arena} lives. */
    StoredNumbers(Path file, FileChannel channel, Arena arena) throws IOException {
        this.file = file;
        this.arena = arena;
        this.mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }

    /** @throws FormatException if the tensor is not what it says */
    Numbers of(Stored stored) throws IOException {
        var where = file + ": tensor '" + stored.name() + "'";
        var shape = shape(stored, where);
        int width = switch (stored.type()) {
            case Stored.FLOAT, Stored.INT32 -> 4;
            case Stored.FLOAT16, Stored.BFLOAT16 -> 2;
            case Stored.DOUBLE, Stored.INT64 -> 8;
            case Stored.BOOL, Stored.INT8, Stored.UINT8 -> 1;
            default -> throw new UnsupportedOperationException(where
                + ": expected real or whole numbers, found elements of ONNX's type " + stored.type());
        };
        if (stored.external() != null) return raw(stored, shape, external(stored, shape.elements() * width, where));
        if (stored.raw() != null) {
            require(stored.raw().bytes() == shape.elements() * width, where, shape, stored.raw().bytes() + " bytes");
            return raw(stored, shape, slice(stored.raw()));
        }
        return typed(stored, shape, where);
    }

    private static Shape shape(Stored stored, String where) throws FormatException {
        var dims = new ArrayList<Integer>();
        for (long dim : stored.dims()) {
            if (dim < 0 || dim > Integer.MAX_VALUE) {
                throw new FormatException(where + ": expected dimensions of 0 to 2^31 - 1, found " + dim);
            }
            dims.add((int) dim);
        }
        try {
            var shape = new Shape(dims);
            if (shape.elements() > Long.MAX_VALUE / 8) throw new FormatException(where + ": expected fewer elements, found " + shape);
            return shape;
        } catch (IllegalArgumentException e) {
            throw new FormatException(where + ": " + e.getMessage(), e);
        }
    }

    private static void require(boolean held, String where, Shape shape, String found) throws FormatException {
        if (!held) {
            throw new FormatException(where + ": expected " + shape.elements() + " elements for its shape " + shape + ", found " + found);
        }
    }

    private MemorySegment slice(Span span) {
        return mapped.asSlice(span.offset(), span.bytes());
    }

    // ------------------------------------------------------------------------------------------ elements as they are in memory

    private static Numbers raw(Stored stored, Shape shape, MemorySegment bytes) {
        long count = shape.elements();
        var values = switch (stored.type()) {
            case Stored.FLOAT -> isNative(bytes) ? (Numbers.Values) _ -> bytes.asReadOnly() : each(count, i -> bytes.getAtIndex(F32, i));
            case Stored.DOUBLE -> each(count, i -> (float) bytes.getAtIndex(F64, i));
            case Stored.FLOAT16 -> each(count, i -> Float.float16ToFloat(bytes.getAtIndex(TWO, i)));
            case Stored.BFLOAT16 -> each(count, i -> Float.intBitsToFloat(bytes.getAtIndex(TWO, i) << 16));
            case Stored.INT64 -> whole(count, i -> bytes.getAtIndex(EIGHT, i));
            case Stored.INT32 -> whole(count, i -> bytes.getAtIndex(FOUR, i));
            case Stored.UINT8 -> whole(count, i -> bytes.get(ValueLayout.JAVA_BYTE, i) & 255);
            default -> whole(count, i -> bytes.get(ValueLayout.JAVA_BYTE, i));
        };
        return new Numbers(shape, values);
    }

    private static boolean isNative(MemorySegment bytes) {
        return ByteOrder.nativeOrder() == LITTLE && bytes.address() % Float.BYTES == 0;
    }

    private interface Real {
        float at(long index);
    }

    private interface Whole {
        long at(long index);
    }

    private static Numbers.Values each(long count, Real real) {
        return arena -> {
            var floats = arena.allocate(count * Float.BYTES, 64);
            for (long i = 0; i < count; i++) floats.setAtIndex(Numbers.FLOAT, i, real.at(i));
            return floats;
        };
    }

    private static Numbers.Values whole(long count, Whole whole) {
        return new Numbers.Values() {
            @Override
            public MemorySegment floats(Arena arena) {
                return each(count, whole::at).floats(arena);
            }

            @Override
            public long[] integers() {
                var integers = new long[Math.toIntExact(count)];
                for (int i = 0; i < integers.length; i++) integers[i] = whole.at(i);
                return integers;
            }
        };
    }

    // ------------------------------------------------------------------------------------------ elements in fields of their own

    private Numbers typed(Stored stored, Shape shape, String where) throws FormatException {
        int field = switch (stored.type()) {
            case Stored.FLOAT -> Stored.FLOAT_DATA;
            case Stored.DOUBLE -> Stored.DOUBLE_DATA;
            case Stored.INT64 -> Stored.INT64_DATA;
            default -> Stored.INT32_DATA;
        };
        long count = shape.elements();
        if (stored.field() != field && (stored.field() != 0 || count > 0)) {
            throw new FormatException(where + ": expected the elements of type " + stored.type() + " in field " + field + ", found "
                + (stored.field() == 0 ? "none" : "field " + stored.field()));
        }
        if (stored.packed() != null && (field == Stored.FLOAT_DATA || field == Stored.DOUBLE_DATA)) {
            int width = field == Stored.FLOAT_DATA ? 4 : 8;
            require(stored.packed().bytes() == count * width, where, shape, stored.packed().bytes() + " bytes");
            return raw(stored, shape, slice(stored.packed()));
        }
        var bits = stored.packed() == null ? stored.loose() : varints(stored.packed(), count, where, shape);
        require(bits.length == count, where, shape, String.valueOf(bits.length));
        var values = switch (stored.type()) {
            case Stored.FLOAT -> each(count, i -> Float.intBitsToFloat((int) bits[(int) i]));
            case Stored.DOUBLE -> each(count, i -> (float) Double.longBitsToDouble(bits[(int) i]));
            case Stored.FLOAT16 -> each(count, i -> Float.float16ToFloat((short) bits[(int) i]));
            case Stored.BFLOAT16 -> each(count, i -> Float.intBitsToFloat((int) bits[(int) i] << 16));
            default -> whole(count, i -> bits[(int) i]);
        };
        return new Numbers(shape, values);
    }

    /** {@code count} numbers of seven bits a byte, low ones first; no fewer bytes than that are there. */
    private long[] varints(Span span, long count, String where, Shape shape) throws FormatException {
        require(count <= span.bytes(), where, shape, "at most " + span.bytes());
        var bytes = slice(span);
        var numbers = new long[(int) count];
        long at = 0;
        for (int i = 0; i < numbers.length; i++) {
            for (int shift = 0; ; shift += 7) {
                require(at < bytes.byteSize() && shift < 70, where, shape, String.valueOf(i));
                byte next = bytes.get(ValueLayout.JAVA_BYTE, at++);
                numbers[i] |= (next & 127L) << shift;
                if (next >= 0) break;
            }
        }
        require(at == bytes.byteSize(), where, shape, "more");
        return numbers;
    }

    // ------------------------------------------------------------------------------------------ other files

    /** The bytes of a tensor in a file beside the model's; one outside its folder is refused. */
    private MemorySegment external(Stored stored, long bytes, String where) throws IOException {
        var location = stored.external().getOrDefault("location", "");
        long offset = number(stored, "offset", 0, where), length = number(stored, "length", -1, where);
        var other = others.get(location);
        if (other == null) {
            try (var channel = FileChannel.open(beside(location, where), StandardOpenOption.READ)) {
                other = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            }
            others.put(location, other);
        }
        if (length >= 0 && length != bytes || offset > other.byteSize() || bytes > other.byteSize() - offset) {
            throw new FormatException(where + ": expected " + bytes + " bytes in '" + location + "' from byte " + offset + ", found "
                + (length >= 0 && length != bytes ? length + " of them" : "a file of " + other.byteSize()));
        }
        return other.asSlice(offset, bytes);
    }

    private Path beside(String location, String where) throws IOException {
        var folder = file.toAbsolutePath().getParent();
        Path other;
        try {
            other = folder.resolve(location).normalize();
        } catch (InvalidPathException e) {
            throw new FormatException(where + ": expected its elements in a file, found the name '" + location + "'", e);
        }
        if (location.isEmpty() || Path.of(location).isAbsolute() || !other.startsWith(folder.normalize())
            || other.equals(folder.normalize())) {
            throw new FormatException(where + ": expected its elements in a file of the model's folder, found '" + location + "'");
        }
        if (!Files.isRegularFile(other)) {
            throw new FormatException(where + ": expected its elements in '" + location + "', found no such file");
        }
        if (!other.toRealPath().startsWith(folder.toRealPath())) {
            throw new FormatException(where + ": expected its elements in a file of the model's folder, found a link out of it, '"
                + location + "'");
        }
        return other;
    }

    private static long number(Stored stored, String key, long otherwise, String where) throws FormatException {
        var text = stored.external().get(key);
        if (text == null) return otherwise;
        try {
            long number = Long.parseLong(text);
            if (number >= 0) return number;
        } catch (NumberFormatException _) {
            // said below
        }
        throw new FormatException(where + ": expected a number of bytes as " + key + ", found '" + text + "'");
    }
}
