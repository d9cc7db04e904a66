// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.DType;
import dev.sextant.Shape;
import dev.sextant.io.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** The numbers that an imported network needs; the file's own bytes where these are what is asked for. */
final class ImportedWeights implements Weights {
    private final String source;
    private final Arena arena;
    private final Map<String, Numbers> numbers;
    private final Map<String, String> metadata;
    private final SortedSet<String> keys;
    private final ConcurrentHashMap<String, MemorySegment> made = new ConcurrentHashMap<>();

    /** @param arena what {@code numbers} are read from, closed with this */
    ImportedWeights(String source, Arena arena, Map<String, Numbers> numbers, Map<String, String> metadata) {
        this.source = source;
        this.arena = arena;
        this.numbers = Map.copyOf(numbers);
        this.metadata = Collections.unmodifiableMap(metadata);
        this.keys = Collections.unmodifiableSortedSet(new TreeSet<>(numbers.keySet()));
    }

    @Override
    public SortedSet<String> keys() {
        requireOpen();
        return keys;
    }

    @Override
    public Shape shape(String key) {
        return numbers(key).shape();
    }

    @Override
    public DType dtype(String key) {
        numbers(key);
        return DType.F32;
    }

    @Override
    public MemorySegment floats(String key) {
        var found = numbers(key);
        return made.computeIfAbsent(key, _ -> aligned(found, arena));
    }

    @Override
    public MemorySegment floats(String key, Arena arena) {
        return aligned(numbers(key), arena);
    }

    private static MemorySegment aligned(Numbers numbers, Arena arena) {
        var floats = numbers.floats(arena);
        if (floats.isNative() && floats.address() % Float.BYTES == 0) return floats.asReadOnly();
        return arena.allocate(floats.byteSize(), 64).copyFrom(floats).asReadOnly();
    }

    @Override
    public Map<String, String> metadata() {
        requireOpen();
        return metadata;
    }

    @Override
    public String source() {
        return source;
    }

    private Numbers numbers(String key) {
        requireOpen();
        var found = numbers.get(key);
        if (found == null) throw new IllegalArgumentException(source + ": no tensor is called '" + key + "'");
        return found;
    }

    private void requireOpen() {
        if (!arena.scope().isAlive()) throw new IllegalStateException(source + ": the weights are closed");
    }

    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) arena.close();
    }
}
