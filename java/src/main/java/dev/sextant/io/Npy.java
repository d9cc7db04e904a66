// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Reads and writes NumPy's {@code .npy} files, one array each (format: NumPy enhancement proposal 1, versions 1 to 3). */
public final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int LONGEST_HEADER = 1 << 20;

    // The header is a Python dictionary literal, always with these three keys; NumPy writes them in this order, others need not.
    private static final Pattern DESCR = Pattern.compile("['\"]descr['\"]\\s*:\\s*['\"]([^'\"]*)['\"]");
    private static final Pattern ORDER = Pattern.compile("['\"]fortran_order['\"]\\s*:\\s*(True|False)");
    private static final Pattern SHAPE = Pattern.compile("['\"]shape['\"]\\s*:\\s*\\(([0-9,\\sL]*)\\)");
    private static final Pattern TYPE = Pattern.compile("([<>=|])([fiub])([1248])");

    private Npy() {}

    /**
     * Reads an array as float32: real and integer types of any byte order are converted, Fortran order is turned into row-major
     * order.
     *
     * @throws FormatException if the file contradicts the format or holds another type, naming what was expected and found
     */
    public static Tensor read(Path file) throws IOException {
        try (var arena = Arena.ofConfined(); var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return parse(file.toString(), bytes);
        }
    }

    /** Element type of a file: kind {@code f i u b}, bytes, byte order. */
    private record Type(char kind, int bytes, ByteOrder order) {
        float at(MemorySegment data, long index) {
            long offset = index * bytes;
            return switch (bytes) {
                case 1 -> {
                    byte bits = data.get(ValueLayout.JAVA_BYTE, offset);
                    yield kind == 'i' ? bits : bits & 0xff;
                }
                case 2 -> {
                    short bits = data.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order), offset);
                    yield kind == 'f' ? Float.float16ToFloat(bits) : kind == 'u' ? bits & 0xffff : bits;
                }
                case 4 -> {
                    int bits = data.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(order), offset);
                    yield kind == 'f' ? Float.intBitsToFloat(bits) : kind == 'u' ? (float) (bits & 0xffffffffL) : (float) bits;
                }
                default -> {
                    long bits = data.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(order), offset);
                    yield kind == 'f' ? (float) Double.longBitsToDouble(bits)
                        : kind == 'u' && bits < 0 ? unsigned(bits) : (float) bits;
                }
            };
        }

        /** Halved first, its lowest bit kept so that rounding to nearest sees it. */
        private static float unsigned(long bits) {
            return (float) (bits >>> 1 | bits & 1) * 2;
        }
    }

    static Tensor parse(String source, MemorySegment bytes) throws FormatException {
        if (bytes.byteSize() < 10 || bytes.asSlice(0, 6).mismatch(MemorySegment.ofArray(MAGIC)) != -1) {
            throw new FormatException(source + ": an npy file begins with \\x93NUMPY, this one does not");
        }
        int version = bytes.get(ValueLayout.JAVA_BYTE, 6);
        if (version < 1 || version > 3) {
            throw new FormatException(source + ": npy version should be 1, 2 or 3, found " + (version & 0xff));
        }
        int prefix = version == 1 ? 10 : 12;
        if (bytes.byteSize() < prefix) {
            throw new FormatException(source + ": npy header length should take " + (prefix - 8) + " bytes, the file ends");
        }
        long length = version == 1
            ? bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 8) & 0xffff
            : bytes.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 8) & 0xffffffffL;
        if (length > LONGEST_HEADER || length > bytes.byteSize() - prefix) {
            throw new FormatException(source + ": npy header length should be at most "
                + Math.min(LONGEST_HEADER, bytes.byteSize() - prefix) + " bytes, found " + length);
        }
        var header = new String(bytes.asSlice(prefix, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        var type = type(source, field(source, header, DESCR, "descr"));
        boolean fortran = field(source, header, ORDER, "fortran_order").equals("True");
        var shape = shape(source, field(source, header, SHAPE, "shape"));
        var data = bytes.asSlice(prefix + length);
        if (data.byteSize() % type.bytes() != 0 || data.byteSize() / type.bytes() != shape.elements()) {
            throw new FormatException(source + ": shape " + shape + " should take " + shape.elements() + " elements of "
                + type.bytes() + " bytes, the file has " + data.byteSize() + " bytes");
        }
        return Tensor.of(shape, fortran && shape.rank() > 1 ? rowMajor(data, type, shape) : values(data, type, shape));
    }

    private static MemorySegment values(MemorySegment data, Type type, Shape shape) {
        long count = shape.elements();
        var floats = Arena.ofAuto().allocate(count * Float.BYTES, 64);
        if (type.kind() == 'f' && type.bytes() == 4) {
            var layout = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(type.order());
            MemorySegment.copy(data, layout, 0, floats, ValueLayout.JAVA_FLOAT, 0, count);
        } else {
            for (long i = 0; i < count; i++) floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, type.at(data, i));
        }
        return floats;
    }

    /**
     * Walks the result in row-major order while an odometer keeps the element's place in the file, whose first dimension runs
     * fastest.
     */
    private static MemorySegment rowMajor(MemorySegment data, Type type, Shape shape) {
        int rank = shape.rank();
        var stride = new long[rank];
        stride[0] = 1;
        for (int i = 1; i < rank; i++) stride[i] = stride[i - 1] * shape.dim(i - 1);
        var index = new int[rank];
        var floats = Arena.ofAuto().allocate(shape.elements() * Float.BYTES, 64);
        long from = 0;
        for (long to = 0; to < shape.elements(); to++) {
            floats.setAtIndex(ValueLayout.JAVA_FLOAT, to, type.at(data, from));
            for (int i = rank - 1; i >= 0; i--) {
                from += stride[i];
                if (++index[i] < shape.dim(i)) break;
                from -= stride[i] * index[i];
                index[i] = 0;
            }
        }
        return floats;
    }

    private static String field(String source, String header, Pattern pattern, String name) throws FormatException {
        var match = pattern.matcher(header);
        if (!match.find()) {
            throw new FormatException(source + ": npy header should give " + name + " of a plain array, found "
                + Header.quote(header.strip()));
        }
        return match.group(1);
    }

    private static Type type(String source, String descr) throws FormatException {
        var match = TYPE.matcher(descr);
        if (match.matches()) {
            var kind = match.group(2).charAt(0);
            int bytes = Integer.parseInt(match.group(3));
            boolean exists = switch (kind) {
                case 'f' -> bytes > 1;
                case 'b' -> bytes == 1;
                default -> true;
            };
            var order = switch (match.group(1)) {
                case "<" -> ByteOrder.LITTLE_ENDIAN;
                case ">" -> ByteOrder.BIG_ENDIAN;
                default -> ByteOrder.nativeOrder();
            };
            if (exists) return new Type(kind, bytes, order);
        }
        throw new FormatException(source + ": npy descr should be a real or integer type such as '<f4', found "
            + Header.quote(descr));
    }

    private static Shape shape(String source, String text) throws FormatException {
        var dims = new ArrayList<Integer>();
        try {
            for (var part : text.split(",")) {
                if (!part.isBlank()) dims.add(Integer.parseInt(part.strip().replace("L", "")));
            }
            return new Shape(dims);
        } catch (IllegalArgumentException e) {
            throw new FormatException(source + ": npy shape should be a list of sizes under 2^31, found "
                + Header.quote("(" + text + ")"), e);
        }
    }

    /** Writes a version 1 file of little-endian float32 in row-major order; the file appears whole or not at all. */
    public static void write(Path file, Tensor tensor) throws IOException {
        var dims = tensor.shape().dims().stream().map(String::valueOf).collect(Collectors.joining(", "));
        var shape = tensor.shape().rank() == 1 ? "(" + dims + ",)" : "(" + dims + ")";
        var header = new StringBuilder("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }");
        while ((MAGIC.length + 4 + header.length() + 1) % 64 != 0) header.append(' ');
        var text = header.append('\n').toString().getBytes(StandardCharsets.US_ASCII);
        WholeFile.write(file, out -> {
            out.write(ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).put(MAGIC).put((byte) 1).put((byte) 0)
                .putShort((short) text.length).flip());
            out.write(ByteBuffer.wrap(text));
            out.writeFloats(tensor.data());
        });
    }
}
