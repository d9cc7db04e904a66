// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * The named tensors of one checkpoint.
 *
 * <p>Safe for use by several threads at once. What {@link #floats(String)} returns belongs to the weights and is valid until
 * {@link #close}; afterwards every method but {@link #source} and {@code close} throws {@link IllegalStateException}.
 * A key that is not there is an {@link IllegalArgumentException} naming the source and the key.
 */
public interface Weights extends AutoCloseable {

    /** The keys of all tensors, sorted; the {@code KEY_scale} beside an 8-bit {@code KEY} is part of KEY and not listed. */
    SortedSet<String> keys();

    /** The shape of a tensor; a scalar has rank 0. */
    Shape shape(String key);

    /** The element type as stored. */
    DType dtype(String key);

    /**
     * The elements as row-major float32 in native byte order, 4-byte aligned and read-only: the stored bytes themselves
     * where they are float32 already, else a converted copy made at the first call.
     *
     * @throws UnsupportedOperationException if the stored type is not meant to be read as real numbers (integers without a scale)
     */
    MemorySegment floats(String key);

    /**
     * As {@link #floats(String)}, but what has to be converted for it lies in {@code arena} and is not kept: for reading weights
     * once.
     */
    default MemorySegment floats(String key, Arena arena) {
        return floats(key);
    }

    /** The tensor under {@code key}, over the same memory as {@link #floats(String)}. */
    default Tensor tensor(String key) {
        return Tensor.of(shape(key), floats(key));
    }

    /** The checkpoint's own notes, text to text; empty if it has none. */
    Map<String, String> metadata();

    /** Where the weights came from, for messages: a file's path. */
    String source();

    /**
     * Tells the system that nobody will read the tensors soon: pages of a mapped file need not stay in memory, and come back by
     * themselves when they are read.
     */
    default void unload() {}

    /** Releases the memory behind every segment handed out; closing twice does nothing. */
    @Override
    void close();

    /**
     * Opens a file of weights, whatever its name: its first bytes tell a safetensors file, one compressed by gzip, and PyTorch's {@code
     * .pth} in both forms apart.
     *
     * @throws FormatException if it is neither, or damaged
     * @throws IOException if it cannot be read
     */
    static Weights open(Path file) throws IOException {
        byte[] first;
        try (var in = Files.newInputStream(file)) {
            first = in.readNBytes(Long.BYTES + 1);
        }
        if (Safetensors.beginsWith(first)) return Safetensors.map(file);
        if (PyTorchCheckpoint.beginsWith(first)) return PyTorchCheckpoint.open(file);
        return Safetensors.isPacked(first) ? Safetensors.unpack(file) : Safetensors.open(file);
    }

    /**
     * Tensors already in memory as weights; closing them does nothing.
     *
     * @param source what messages call them
     */
    static Weights of(Map<String, Tensor> tensors, String source) {
        return new MemoryWeights(Collections.unmodifiableSortedMap(new TreeMap<>(tensors)), source);
    }
}
