// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.bindings.sextant_device_info;
import dev.sextant.bindings.sextant_device_peak;
import dev.sextant.bindings.sextant_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where networks run: the processor, with a number of threads of its own. May be shared by any threads, models and predictors;
 * what several of them run on one device at the same time is run one after the other, so independent streams of work want a
 * device each.
 */
public final class Device implements AutoCloseable {
    private static Device shared;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final Info info;
    private final boolean isShared;

    /**
     * What a device turned out to be.
     *
     * @param isaName instructions in use: {@code avx512_bf16}, {@code avx512}, {@code avx2} or {@code portable}
     * @param block channels in a block of its memory layout
     * @param threads that a run uses, the caller's own among them
     * @param cores that this process may use: affinity mask and container limit
     * @param processor the processor's own name
     */
    public record Info(String isaName, int block, int threads, int cores, String processor) {}

    /**
     * What a device reaches at best with all its threads: the roofs to hold a layer's figures against.
     *
     * @param fp32 GFLOP/s of float32 multiply-adds in registers, each counted as 2
     * @param bf16 GFLOP/s of bfloat16 dot products summed in float32; 0 without such instructions
     * @param int8 GOP/s of 8-bit dot products summed in integers; 0 without such instructions
     * @param bandwidth GB/s (10^9) read from memory
     */
    public record Peak(double fp32, double bf16, double int8, double bandwidth) {}

    private Device(int threads, boolean isShared) {
        var created = Native.create((device, error) -> sextant_h.sextant_device_create_cpu(threads, device, error));
        this.handle = created.reinterpret(arena, sextant_h::sextant_device_destroy);
        this.isShared = isShared;
        try (var scratch = Arena.ofConfined()) {
            var found = sextant_device_info.allocate(scratch);
            Native.check(error -> sextant_h.sextant_device_get_info(handle, found, error));
            this.info = new Info(sextant_device_info.isa_name(found).getString(0), sextant_device_info.block(found),
                sextant_device_info.threads(found), sextant_device_info.cores(found),
                    sextant_device_info.processor(found).getString(0));
        }
    }

    /** The processor with as many threads as this process may use cores; one for the whole program, closing it does nothing. */
    public static synchronized Device cpu() {
        if (shared == null) shared = new Device(0, true);
        return shared;
    }

    /**
     * The processor with threads of its own, to be closed by the caller.
     *
     * @param threads that a run uses; 1 runs on the caller's alone, 0 takes as many as this process may use cores
     * @throws IllegalArgumentException for a negative or absurd number
     * @throws UnsatisfiedLinkError if the kernels cannot be loaded
     */
    public static Device cpu(int threads) {
        return new Device(threads, false);
    }

    public Info info() {
        return info;
    }

    /**
     * Measures what the device reaches, in about a fifth of a second of all its threads; runs of predictors wait meanwhile.
     *
     * @throws IllegalStateException once closed
     */
    public Peak measure() {
        try (var scratch = Arena.ofConfined()) {
            var found = sextant_device_peak.allocate(scratch);
            Native.check(error -> sextant_h.sextant_device_measure(handle(), found, error));
            return new Peak(sextant_device_peak.fp32(found), sextant_device_peak.bf16(found), sextant_device_peak.int8(found),
                sextant_device_peak.bandwidth(found));
        }
    }

    /** @throws IllegalStateException once closed */
    MemorySegment handle() {
        requireOpen();
        return handle;
    }

    void requireOpen() {
        if (!arena.scope().isAlive()) throw new IllegalStateException("device: is closed");
    }

    /**
     * Ends the device for new predictors; those that exist keep what they need and go on. Closing twice does nothing.
     *
     * @throws IllegalStateException while a predictor is being made on it
     */
    @Override
    public void close() {
        if (isShared || !arena.scope().isAlive()) return;
        try {
            arena.close();
        } catch (IllegalStateException e) {
            if (!arena.scope().isAlive()) return;
            throw new IllegalStateException("device: is in use, a predictor is being made on it", e);
        }
    }

    @Override
    public String toString() {
        return "cpu " + info.isaName() + ", " + info.threads() + " threads";
    }
}
