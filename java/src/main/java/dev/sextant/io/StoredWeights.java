// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** The weights of a file whose little-endian elements lie in one segment of a shared arena. */
final class StoredWeights implements Weights {
    static final String SCALE = "_scale";
    private static final int PIECE = 1 << 13;
    private static final ValueLayout.OfFloat NATIVE = ValueLayout.JAVA_FLOAT;
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort TWO = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong EIGHT = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String source;
    private final Arena arena;
    private final Header header;
    private final MemorySegment data;
    private final SortedSet<String> keys;
    private final ConcurrentHashMap<String, MemorySegment> converted = new ConcurrentHashMap<>();

    private StoredWeights(String source, Arena arena, Header header, MemorySegment data) {
        this.source = source;
        this.arena = arena;
        this.header = header;
        this.data = data;
        var visible = new TreeSet<>(header.tensors().keySet());
        visible.removeIf(this::isScale);
        keys = Collections.unmodifiableSortedSet(visible);
    }

    /** Brings the bytes behind a header into an arena. */
    interface Data {
        MemorySegment into(Arena arena) throws IOException;
    }

    /** @throws FormatException if an 8-bit tensor's scale cannot belong to it */
    static Weights of(String source, Header header, Data data) throws IOException {
        for (var entry : header.tensors().values()) {
            var scale = header.tensors().get(entry.key() + SCALE);
            if (entry.dtype() != DType.I8 || scale == null) continue;
            int channels = entry.shape().rank() == 0 ? 1 : entry.shape().dim(0);
            long values = scale.shape().elements();
            boolean real = switch (scale.dtype()) {
                case F32, F16, BF16, F64 -> true;
                case I8, U8, I16, I32, I64, BOOL -> false;
            };
            if (!real || values != 1 && values != channels) {
                throw new FormatException(source + ": tensor " + Header.quote(scale.key()) + " should hold 1 or " + channels
                    + " real numbers, found " + scale.dtype() + " of shape " + scale.shape());
            }
        }
        var arena = Arena.ofShared();
        try {
            return new StoredWeights(source, arena, header, data.into(arena));
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** Whether it is of 8 bits with a scale. */
    boolean hasScale(String key) {
        return entry(key).dtype() == DType.I8 && header.tensors().containsKey(key + SCALE);
    }

    /** Appends a tensor's bytes to a file, row-major and little-endian. */
    void copyTo(String key, WholeFile out) throws IOException {
        var entry = entry(key);
        try (var temporary = Arena.ofConfined()) {
            out.write(entry.strides() == null ? stored(entry) : rowMajor(entry, stored(entry), temporary));
        }
    }

    private boolean isScale(String key) {
        if (!key.endsWith(SCALE)) return false;
        var owner = header.tensors().get(key.substring(0, key.length() - SCALE.length()));
        return owner != null && owner.dtype() == DType.I8;
    }

    @Override
    public SortedSet<String> keys() {
        requireOpen();
        return keys;
    }

    @Override
    public Shape shape(String key) {
        return entry(key).shape();
    }

    @Override
    public DType dtype(String key) {
        return entry(key).dtype();
    }

    @Override
    public Map<String, String> metadata() {
        requireOpen();
        return header.metadata();
    }

    @Override
    public String source() {
        return source;
    }

    @Override
    public MemorySegment floats(String key) {
        var entry = entry(key);
        var stored = stored(entry);
        if (isNative(entry, stored)) return stored;
        try {
            return converted.computeIfAbsent(key, k -> convert(entry, stored, arena).asReadOnly());
        } catch (IllegalStateException e) {
            requireOpen();
            throw e;
        }
    }

    @Override
    public MemorySegment floats(String key, Arena arena) {
        var entry = entry(key);
        var stored = stored(entry);
        return isNative(entry, stored) ? stored : convert(entry, stored, arena).asReadOnly();
    }

    private MemorySegment stored(Header.Entry entry) {
        return data.asSlice(entry.begin(), entry.end() - entry.begin()).asReadOnly();
    }

    private static boolean isNative(Header.Entry entry, MemorySegment stored) {
        return entry.dtype() == DType.F32 && entry.strides() == null && stored.address() % Float.BYTES == 0
            && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    }

    /** A copy of the elements in the order of their indices. */
    private static MemorySegment rowMajor(Header.Entry entry, MemorySegment stored, Arena arena) {
        int each = entry.dtype().bytes(), rank = entry.shape().rank();
        var copy = arena.allocate(entry.shape().elements() * each, 64);
        var index = new int[rank];
        long from = 0;
        for (long to = 0; to < copy.byteSize(); to += each) {
            MemorySegment.copy(stored, from * each, copy, to, each);
            for (int i = rank - 1; i >= 0; i--) {
                from += entry.strides()[i];
                if (++index[i] < entry.shape().dim(i)) break;
                from -= index[i] * entry.strides()[i];
                index[i] = 0;
            }
        }
        return copy;
    }

    private MemorySegment convert(Header.Entry entry, MemorySegment stored, Arena arena) {
        if (entry.strides() != null) {
            try (var temporary = Arena.ofConfined()) {
                var plain = new Header.Entry(entry.key(), entry.dtype(), entry.shape(), entry.begin(), entry.end(), null);
                return convert(plain, rowMajor(entry, stored, temporary), arena);
            }
        }
        long count = entry.shape().elements();
        var scale = entry.dtype() == DType.I8 ? scale(entry, arena) : null;
        if (entry.dtype() == DType.I64 && count != 1) throw refused(entry, "integers");
        if (entry.dtype() == DType.U8 || entry.dtype() == DType.I16 || entry.dtype() == DType.I32) throw refused(entry, "integers");
        if (entry.dtype() == DType.BOOL) throw refused(entry, "truth values");

        var floats = arena.allocate(count * Float.BYTES, 64);
        switch (entry.dtype()) {
            case F32 -> MemorySegment.copy(stored, F32, 0, floats, NATIVE, 0, count);
            case F16, BF16 -> widen(stored, entry.dtype(), floats, count);
            case F64 -> {
                for (long i = 0; i < count; i++) floats.setAtIndex(NATIVE, i, (float) stored.getAtIndex(F64, i));
            }
            case I64 -> floats.setAtIndex(NATIVE, 0, stored.getAtIndex(EIGHT, 0));
            case I8 -> {
                long run = scale.length == 0 ? 0 : count / scale.length;
                for (int k = 0; k < scale.length; k++) dequantise(stored, scale[k], floats, k * run, (k + 1) * run);
            }
            case U8, I16, I32, BOOL -> throw new AssertionError(entry.dtype());
        }
        return floats;
    }

    // Loops over arrays, a piece at a time: before Java's compilers have seen to it, access to segments takes ten times as long.

    private static void widen(MemorySegment stored, DType type, MemorySegment floats, long count) {
        var in = new short[(int) Math.min(PIECE, count)];
        var out = new float[in.length];
        for (long done = 0; done < count; done += in.length) {
            int piece = (int) Math.min(in.length, count - done);
            MemorySegment.copy(stored, TWO, done * Short.BYTES, in, 0, piece);
            if (type == DType.F16) {
                for (int i = 0; i < piece; i++) out[i] = Float.float16ToFloat(in[i]);
            } else {
                // A bfloat16 is the upper half of a float32.
                for (int i = 0; i < piece; i++) out[i] = Float.intBitsToFloat(in[i] << 16);
            }
            MemorySegment.copy(out, 0, floats, NATIVE, done * Float.BYTES, piece);
        }
    }

    /** Elements {@code from} to {@code to}, which share a scale. */
    private static void dequantise(MemorySegment stored, float scale, MemorySegment floats, long from, long to) {
        var in = new byte[(int) Math.min(PIECE, to - from)];
        var out = new float[in.length];
        for (long done = from; done < to; done += in.length) {
            int piece = (int) Math.min(in.length, to - done);
            MemorySegment.copy(stored, ValueLayout.JAVA_BYTE, done, in, 0, piece);
            for (int i = 0; i < piece; i++) out[i] = in[i] * scale;
            MemorySegment.copy(out, 0, floats, NATIVE, done * Float.BYTES, piece);
        }
    }

    /** What 8-bit values are multiplied by: one value, or one for each output channel (the first dimension). */
    private float[] scale(Header.Entry entry, Arena arena) {
        var scale = header.tensors().get(entry.key() + SCALE);
        if (scale == null) throw refused(entry, "8-bit integers without a " + Header.quote(entry.key() + SCALE));
        var stored = data.asSlice(scale.begin(), scale.end() - scale.begin());
        return convert(scale, stored, arena).toArray(NATIVE);
    }

    private UnsupportedOperationException refused(Header.Entry entry, String what) {
        return new UnsupportedOperationException(source + ": tensor " + Header.quote(entry.key())
            + " should hold real numbers, found " + what + " (" + entry.dtype() + " of shape " + entry.shape() + ")");
    }

    private Header.Entry entry(String key) {
        requireOpen();
        var entry = header.tensors().get(key);
        if (entry == null) throw new IllegalArgumentException(source + ": no tensor is called " + Header.quote(key));
        return entry;
    }

    private void requireOpen() {
        if (!arena.scope().isAlive()) throw new IllegalStateException(source + ": the weights are closed");
    }

    @Override
    public synchronized void unload() {
        requireOpen();
        if (data.isMapped()) data.unload();
    }

    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
