// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.Predictor.Step;
import dev.sextant.bindings.sextant_h;
import dev.sextant.bindings.sextant_plan_info;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Parameters;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A network compiled for one device and shape, with its repacked weights. Immutable: any threads may run it, each in memory of
 * its own.
 */
final class Plan implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final Device device;
    private final Graph graph;
    private final List<Step> steps;
    private final int[] rows;
    private final List<String> notes;
    private final int buffers;
    private final long workspaceBytes, weightBytes, flops;

    /**
     * @param graph after all passes
     * @param tuning chooses the kernels of convolutions, or null for the library's own choice
     */
    Plan(Device device, Graph graph, Parameters parameters, Precision precision, Tuning tuning) {
        this.device = device;
        this.graph = graph;
        var created = Native.create((plan, error) -> sextant_h.sextant_plan_create(device.handle(), plan, error));
        handle = created.reinterpret(arena, sextant_h::sextant_plan_destroy);
        try (var scratch = Arena.ofConfined()) {
            var lowering = new Lowering(device, graph, parameters, precision, tuning);
            steps = List.copyOf(lowering.into(handle));
            rows = lowering.rows();
            if (tuning != null) tuning.keep();
            notes = tuning == null ? List.of() : tuning.notes();
            Native.check(error -> sextant_h.sextant_plan_finish(handle, error));
            var info = sextant_plan_info.allocate(scratch);
            Native.check(error -> sextant_h.sextant_plan_get_info(handle, info, error));
            buffers = sextant_plan_info.buffers(info);
            workspaceBytes = sextant_plan_info.workspace_bytes(info);
            weightBytes = sextant_plan_info.weight_bytes(info);
            flops = sextant_plan_info.flops(info);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** Which it was compiled for; maybe closed by now. */
    Device device() {
        return device;
    }

    /** The graph its steps were made from. */
    Graph graph() {
        return graph;
    }

    List<Step> steps() {
        return steps;
    }

    /** For each of the times that a run reports the index of the step that it is a part of. */
    int[] rows() {
        return rows;
    }

    /** What the caller of its making should know, each a sentence. */
    List<String> notes() {
        return notes;
    }

    /** What a run needs in the first of its buffers. */
    long workspaceBytes() {
        return workspaceBytes;
    }

    long weightBytes() {
        return weightBytes;
    }

    long flops() {
        return flops;
    }

    /**
     * Runs all steps. Allocates nothing.
     *
     * @param addresses workspace, input, output, taps; what they point to must stay alive until this returns
     * @param nanoseconds room for one long for each of {@link #rows}, or {@code NULL}
     * @param error room for an error
     */
    void run(MemorySegment addresses, MemorySegment nanoseconds, MemorySegment error) {
        Native.check(room -> sextant_h.sextant_plan_run(handle, addresses, buffers, nanoseconds, room), error);
    }

    @Override
    public void close() {
        arena.close();
    }
}
