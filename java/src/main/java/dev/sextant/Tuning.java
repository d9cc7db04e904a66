// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.bindings.sextant_conv2d;
import dev.sextant.bindings.sextant_h;
import dev.sextant.bindings.sextant_tensor;
import dev.sextant.graph.Format;
import dev.sextant.graph.Function;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Storage.Order;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Chooses the implementation of each convolution by timing those that accept it, once for each machine: the results are kept in
 * a {@link TuningFile}, and what stands there already is not timed again.
 */
final class Tuning {
    private static final long NAMES_BYTES = 1 << 14;
    /** Beyond this a network's weights come from memory in each run, whatever cache the machine has of its own. */
    private static final long CACHED_WEIGHT_BYTES = 16 << 20;
    private static final String REFERENCE = "reference";

    private final Device device;
    private final TuningFile file;
    private final boolean cold;
    private final Map<String, Choice> known = new TreeMap<>(), measured = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();
    private long nanoseconds;

    /**
     * What was found for a problem.
     *
     * @param implementation the fastest
     * @param microseconds of each that was timed
     */
    record Choice(String implementation, Map<String, Double> microseconds) {
        static Choice of(Map<String, Double> microseconds) {
            var fastest = microseconds.entrySet().stream().min(Map.Entry.comparingByValue()).orElseThrow();
            return new Choice(fastest.getKey(), microseconds);
        }
    }

    /** @param graph whose convolutions are to be chosen */
    Tuning(Device device, Graph graph, Path folder) {
        this.device = device;
        this.cold = graph.parameters().values().stream().mapToLong(p -> p.shape().elements()).sum() * Float.BYTES > CACHED_WEIGHT_BYTES;
        this.file = TuningFile.of(folder, device.info());
        try {
            known.putAll(file.read());
        } catch (IOException e) {
            notes.add("tuning: " + e.getMessage() + ": all is timed anew");
        }
    }

    /** The name to create {@code problem} with, zero-terminated; {@code NULL} where there is no choice. */
    MemorySegment choose(MemorySegment problem, Arena arena) {
        var names = candidates(problem, arena);
        if (names.size() < 2) return MemorySegment.NULL;
        var text = text(problem) + (cold ? ", weights from memory" : "");
        var choice = known.get(text);
        if (choice == null || !choice.microseconds().keySet().equals(Set.copyOf(names))
            || !names.contains(choice.implementation())) {
            long start = System.nanoTime();
            choice = Choice.of(Trial.microseconds(device, problem, names, cold));
            nanoseconds += System.nanoTime() - start;
            known.put(text, choice);
            measured.put(text, choice);
        }
        return arena.allocateFrom(choice.implementation());
    }

    /** Those that accept the problem but the plain loops, which are for nothing but checking the others. */
    private List<String> candidates(MemorySegment problem, Arena arena) {
        var names = arena.allocate(NAMES_BYTES);
        Native.check(error -> sextant_h.sextant_conv2d_candidates(device.handle(), problem, names, NAMES_BYTES, error));
        return names.getString(0).lines().filter(name -> !name.endsWith(REFERENCE)).toList();
    }

    /** Keeps what was measured. What stands in the way is a note, not a failure. */
    void keep() {
        if (measured.isEmpty()) return;
        var timed = "tuning: timed " + measured.size() + (measured.size() == 1 ? " convolution in " : " convolutions in ")
            + String.format(Locale.ROOT, "%.1f s", nanoseconds / 1e9);
        try {
            file.add(measured);
            notes.add(timed + ", kept in " + file.path());
        } catch (IOException e) {
            notes.add(timed + ", for this run alone, because " + file.path() + " cannot be written (" + e + ")");
        }
    }

    /** What happened, for people; each a sentence. */
    List<String> notes() {
        return List.copyOf(notes);
    }

    /** All of a problem that bears on time, as a person would write it. */
    static String text(MemorySegment problem) {
        var text = new StringBuilder();
        text.append(tensor(sextant_conv2d.src(problem))).append(" -> ").append(tensor(sextant_conv2d.dst(problem)));
        text.append(", conv ").append(sextant_conv2d.r(problem)).append('x').append(sextant_conv2d.s(problem));
        text.append(" stride ").append(sextant_conv2d.stride_h(problem)).append('x').append(sextant_conv2d.stride_w(problem));
        text.append(" pad ").append(sextant_conv2d.pad_top(problem)).append(' ').append(sextant_conv2d.pad_left(problem)).append(' ')
            .append(sextant_conv2d.pad_bottom(problem)).append(' ').append(sextant_conv2d.pad_right(problem));
        text.append(" dilation ").append(sextant_conv2d.dilation_h(problem)).append('x').append(sextant_conv2d.dilation_w(problem));
        text.append(" groups ").append(sextant_conv2d.groups(problem)).append(' ')
            .append(Function.values()[sextant_conv2d.activation(problem)].name().toLowerCase(Locale.ROOT));
        if (sextant_conv2d.pre_activation(problem) != 0) text.append(", norm on load");
        if (sextant_conv2d.has_residual(problem) != 0) text.append(", residual ").append(tensor(sextant_conv2d.residual(problem)));
        if (sextant_conv2d.strict(problem) != 0) text.append(", strict");
        return text.toString();
    }

    private static String tensor(MemorySegment tensor) {
        int halo = sextant_tensor.halo(tensor);
        int c = sextant_tensor.c(tensor), all = sextant_tensor.c_total(tensor);
        return sextant_tensor.n(tensor) + "x" + c + "x" + sextant_tensor.h(tensor) + "x" + sextant_tensor.w(tensor) + " "
            + Format.Kind.values()[sextant_tensor.dtype(tensor)].name().toLowerCase(Locale.ROOT) + " "
            + Order.of(sextant_tensor.layout(tensor)) + (halo == 0 ? "" : " halo " + halo)
            + (all == c ? "" : " of " + all + " channels");
    }
}
