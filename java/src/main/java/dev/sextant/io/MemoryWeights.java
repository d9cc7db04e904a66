// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** Weights made of tensors; those on the Java heap are copied to native memory at the first call of {@link #floats}. */
record MemoryWeights(SortedMap<String, Tensor> tensors, String source, ConcurrentHashMap<String, MemorySegment> copies)
        implements Weights {

    MemoryWeights(SortedMap<String, Tensor> tensors, String source) {
        this(tensors, source, new ConcurrentHashMap<>());
    }

    @Override
    public SortedSet<String> keys() {
        return Collections.unmodifiableSortedSet(new TreeSet<>(tensors.keySet()));
    }

    @Override
    public Shape shape(String key) {
        return tensor(key).shape();
    }

    @Override
    public DType dtype(String key) {
        tensor(key);
        return DType.F32;
    }

    @Override
    public Tensor tensor(String key) {
        var tensor = tensors.get(key);
        if (tensor == null) throw new IllegalArgumentException(source + ": no tensor is called " + Header.quote(key));
        return tensor;
    }

    @Override
    public MemorySegment floats(String key) {
        var data = tensor(key).data();
        if (data.isNative() && data.address() % Float.BYTES == 0) return data;
        return copies.computeIfAbsent(key, k -> Arena.ofAuto().allocate(data.byteSize(), 64).copyFrom(data).asReadOnly());
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public void close() {}
}
