// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.bindings.SextantLibrary;
import dev.sextant.bindings.sextant_device_info;
import dev.sextant.bindings.sextant_device_peak;
import dev.sextant.bindings.sextant_h;
import dev.sextant.bindings.sextant_memory;
import dev.sextant.graph.Storage.Order;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where networks run: the processor, with a number of threads of its own, or an NVIDIA GPU. May be shared by any threads, models and
 * predictors; what several of them run on one device at the same time is run one after the other, so independent streams of work
 * want a device each.
 */
public final class Device implements AutoCloseable {
    private static Device sharedCpu, sharedCuda;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;
    private final Info info;
    private final boolean isShared;
    /** The one who opened it, and all who copy through it: the last one to go frees it. */
    private int users = 1;
    private boolean isClosed;

    /** Kinds of devices, in the order of the C header's constants. */
    public enum Kind {
        CPU, CUDA
    }

    /**
     * What a device turned out to be.
     *
     * @param name {@code cpu}, or {@code cuda:0} for the first GPU
     * @param isaName instructions in use: {@code avx512_bf16}, {@code avx512}, {@code avx2} or {@code portable}; of a GPU
     *     {@code sm_90} for compute capability 9.0
     * @param order of what networks hold in its memory between input and output
     * @param threads that a run uses, the caller's own among them
     * @param cores that this process may use: affinity mask and container limit; of a GPU its multiprocessors
     * @param processor the processor's or GPU's own name
     * @param memory bytes of its own; 0 for a processor
     */
    public record Info(String name, Kind kind, String isaName, Order order, int threads, int cores, String processor, long memory) {}

    /**
     * What a device reaches at best with all its threads: the roofs to hold a layer's figures against.
     *
     * @param fp32 GFLOP/s of float32 multiply-adds in registers, each counted as 2
     * @param bf16 GFLOP/s of bfloat16 dot products summed in float32; 0 without such instructions
     * @param int8 GOP/s of 8-bit dot products summed in integers; 0 without such instructions
     * @param bandwidth GB/s (10^9) read from memory
     */
    public record Peak(double fp32, double bf16, double int8, double bandwidth) {}

    private Device(String name, Native.Creation creation, boolean isShared) {
        var created = Native.create(creation);
        this.handle = created.reinterpret(arena, sextant_h::sextant_device_destroy);
        this.isShared = isShared;
        try (var scratch = Arena.ofConfined()) {
            var found = sextant_device_info.allocate(scratch);
            Native.check(error -> sextant_h.sextant_device_get_info(handle, found, error));
            this.info = new Info(name, Kind.values()[sextant_device_info.kind(found)], sextant_device_info.isa_name(found).getString(0),
                Order.of(sextant_device_info.layout(found)), sextant_device_info.threads(found), sextant_device_info.cores(found),
                sextant_device_info.processor(found).getString(0), sextant_device_info.memory(found));
        }
    }

    private static Device cpu(int threads, boolean isShared) {
        return new Device("cpu", (device, error) -> sextant_h.sextant_device_create_cpu(threads, device, error), isShared);
    }

    /** The processor with as many threads as this process may use cores; one for the whole program, closing it does nothing. */
    public static synchronized Device cpu() {
        if (sharedCpu == null) sharedCpu = cpu(0, true);
        return sharedCpu;
    }

    /**
     * The processor with threads of its own, to be closed by the caller.
     *
     * @param threads that a run uses; 1 runs on the caller's alone, 0 takes as many as this process may use cores
     * @throws IllegalArgumentException for a negative or absurd number
     * @throws UnsatisfiedLinkError if the kernels cannot be loaded
     */
    public static Device cpu(int threads) {
        return cpu(threads, false);
    }

    private static Device cuda(int ordinal, boolean isShared) {
        try (var arena = Arena.ofConfined()) {
            var library = cudaLibrary(arena);
            return new Device("cuda:" + ordinal,
                (device, error) -> sextant_h.sextant_device_create_cuda(library, ordinal, device, error), isShared);
        }
    }

    /**
     * The first NVIDIA GPU; one for the whole program, closing it does nothing.
     *
     * @throws DeviceException if there is none, no driver for it or no kernels: the message says which
     */
    public static synchronized Device cuda() {
        if (sharedCuda == null) sharedCuda = cuda(0, true);
        return sharedCuda;
    }

    /**
     * An NVIDIA GPU with a stream of work of its own, to be closed by the caller.
     *
     * @param ordinal which, from 0
     * @throws IllegalArgumentException for a negative ordinal
     * @throws DeviceException if there is no such GPU, no driver for it or no kernels: the message says which
     */
    public static Device cuda(int ordinal) {
        return cuda(ordinal, false);
    }

    /**
     * How many NVIDIA GPUs there are.
     *
     * @throws DeviceException if there is none, no driver or no kernels: the message says which
     */
    public static int cudaCount() {
        try (var arena = Arena.ofConfined()) {
            var library = cudaLibrary(arena);
            var count = arena.allocate(ValueLayout.JAVA_INT);
            Native.check(error -> sextant_h.sextant_cuda_count(library, count, error));
            return count.get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** Its path for libsextant, {@code NULL} where that has to look for it. */
    private static MemorySegment cudaLibrary(Arena arena) {
        try {
            var file = SextantLibrary.cuda();
            return file == null ? MemorySegment.NULL : arena.allocateFrom(file.toString());
        } catch (UnsatisfiedLinkError e) {
            throw new DeviceException("cuda: " + e.getMessage());
        }
    }

    public Info info() {
        return info;
    }

    /** Whether Java reaches nothing of what its plans work on but what is allocated as shared. */
    boolean isRemote() {
        return info.kind() != Kind.CPU;
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

    /**
     * Zeroed memory for the buffers of plans, given back when {@code arena} closes, whether the device is still open or not.
     *
     * @param isShared whether Java reads and writes it, too; if not, nothing but {@link #copy} may on a remote device
     * @throws DeviceException if there is not so much
     */
    MemorySegment allocate(long bytes, boolean isShared, Arena arena, String what) {
        if (!isRemote()) return Native.allocate(bytes, arena, what);
        try (var scratch = Arena.ofConfined()) {
            var memory = sextant_memory.allocate(scratch);
            Native.check(error -> sextant_h.sextant_device_allocate(handle(), bytes, isShared ? 1 : 0, memory, error));
            return sextant_memory.address(memory).reinterpret(bytes, arena, address -> release(address, bytes, isShared));
        }
    }

    private static void release(MemorySegment address, long bytes, boolean isShared) {
        try (var scratch = Arena.ofConfined()) {
            var memory = sextant_memory.allocate(scratch);
            sextant_memory.address(memory, address);
            sextant_memory.bytes(memory, bytes);
            sextant_memory.kind(memory, sextant_h.SEXTANT_CUDA());
            sextant_memory.shared(memory, isShared ? 1 : 0);
            sextant_h.sextant_memory_release(memory);
        }
    }

    /** Copies all of {@code from}, native memory of any kind, to the beginning of {@code to}; for who holds {@link #retain}. */
    void copy(MemorySegment to, MemorySegment from) {
        if (from.byteSize() == 0) return;
        Native.check(error -> sextant_h.sextant_device_copy(handle, to, from, from.byteSize(), error));
    }

    /** Lets the native device live until {@link #release()}, closed or not. @throws IllegalStateException once closed */
    synchronized void retain() {
        requireOpen();
        users++;
    }

    synchronized void release() {
        if (--users == 0) arena.close();
    }

    /** @throws IllegalStateException once closed */
    MemorySegment handle() {
        requireOpen();
        return handle;
    }

    synchronized void requireOpen() {
        if (isClosed) throw new IllegalStateException("device: is closed");
    }

    /**
     * Ends the device for new predictors; those that exist keep what they need and go on. Closing twice does nothing.
     *
     * @throws IllegalStateException while a predictor is being made on it
     */
    @Override
    public synchronized void close() {
        if (isShared || isClosed) return;
        try {
            if (users == 1) arena.close();
        } catch (IllegalStateException e) {
            throw new IllegalStateException("device: is in use, a predictor is being made on it", e);
        }
        users--;
        isClosed = true;
    }

    @Override
    public String toString() {
        return isRemote() ? info.name() + " " + info.processor() + ", " + info.isaName()
            : "cpu " + info.isaName() + ", " + info.threads() + " threads";
    }
}
