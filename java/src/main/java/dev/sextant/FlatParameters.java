// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.Problems.Place;
import dev.sextant.graph.Constant;
import dev.sextant.graph.Constant.Parameter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Where each of a network's parameters lies in one flat array of float32, so that an optimizer passes over all at once. Each begins a
 * cache line; what is between them stays zero.
 */
final class FlatParameters {
    private static final long LINE = 16;

    private final SequencedMap<String, Parameter> parameters;
    private final Map<String, Long> offsets = new LinkedHashMap<>();
    private final long count;

    FlatParameters(SequencedMap<String, Parameter> parameters) {
        this.parameters = parameters;
        long next = 0;
        for (var parameter : parameters.values()) {
            offsets.put(parameter.key(), next);
            next += (parameter.shape().elements() + LINE - 1) / LINE * LINE;
        }
        this.count = Math.max(next, LINE);
    }

    /** Elements of the array. */
    long count() {
        return count;
    }

    /** @param constant a plain parameter */
    Place place(Constant constant, int buffer) {
        return new Place(buffer, offsets.get(((Parameter) constant).key()) * Float.BYTES);
    }

    /** First index and end of each bias, gamma and beta: what has one dimension. */
    long[] vectors() {
        var ranges = new ArrayList<Long>();
        for (var parameter : parameters.values()) {
            if (parameter.shape().rank() > 1) continue;
            long first = offsets.get(parameter.key());
            ranges.add(first);
            ranges.add(first + parameter.shape().elements());
        }
        return ranges.stream().mapToLong(Long::longValue).toArray();
    }

    /** Copies of all, from {@code array}, under {@code prefix} and their keys. */
    SequencedMap<String, Tensor> read(MemorySegment array, String prefix) {
        var tensors = new LinkedHashMap<String, Tensor>();
        for (var parameter : parameters.values()) {
            var values = slice(parameter, array).toArray(ValueLayout.JAVA_FLOAT);
            tensors.put(prefix + parameter.key(), Tensor.of(parameter.shape(), values));
        }
        return Collections.unmodifiableSequencedMap(tensors);
    }

    /** @throws IllegalArgumentException if one is missing or has another shape */
    void require(Map<String, Tensor> tensors, String prefix) {
        for (var parameter : parameters.values()) {
            var tensor = tensors.get(prefix + parameter.key());
            if (tensor == null || !tensor.shape().equals(parameter.shape())) {
                throw new IllegalArgumentException("training: expects " + prefix + parameter.key() + " of shape " + parameter.shape()
                    + ", found " + (tensor == null ? "none" : tensor.shape().toString()));
            }
        }
    }

    /**
     * Copies all from {@code tensors} into {@code array}.
     *
     * @throws IllegalArgumentException if one is missing or has another shape
     */
    void write(Map<String, Tensor> tensors, String prefix, MemorySegment array) {
        require(tensors, prefix);
        for (var parameter : parameters.values()) slice(parameter, array).copyFrom(tensors.get(prefix + parameter.key()).data());
    }

    private MemorySegment slice(Parameter parameter, MemorySegment array) {
        return array.asSlice(offsets.get(parameter.key()) * Float.BYTES, parameter.shape().elements() * Float.BYTES);
    }
}
