// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.bindings.sextant_conv2d;
import dev.sextant.bindings.sextant_error;
import dev.sextant.bindings.sextant_h;
import dev.sextant.bindings.sextant_place;
import dev.sextant.bindings.sextant_plan_info;
import dev.sextant.bindings.sextant_pool2d;
import dev.sextant.bindings.sextant_tensor;
import dev.sextant.graph.Format;
import dev.sextant.graph.Storage.Order;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Times the implementations of one convolution against one another, with the device's threads, on numbers as a network has them.
 * They take turns, and the best of several rounds counts, for what disturbs a round only ever adds to it. Where the network's
 * weights come from memory, so do these: before each run the caches are filled with something else.
 */
final class Trial implements AutoCloseable {
    private static final int MOST_ROUNDS = 7, FEWEST_ROUNDS = 3, MOST_RUNS = 100;
    /** Of timed work in a turn, and of one problem altogether where it can be had in few rounds. */
    private static final long TURN_NANOSECONDS = 300_000, ENOUGH_NANOSECONDS = 1_000_000_000;
    /** Who takes longer than this, compared with the best of the first round, need not run again. */
    private static final double HOPELESS = 2;
    private static final int NOISE = 1 << 14;
    /** The side of 16 square images of 16 channels that fill the caches: 64 MiB. */
    private static final int SWEEP = 256, SWEEP_IMAGES = 16;
    private static final int SRC = 1, RESIDUAL = 2, DST = 3, SWEPT = 4, SWEPT_DST = 5, BUFFERS = 6;

    private final Arena arena = Arena.ofConfined();
    private final Device device;
    private final MemorySegment problem, buffers, error, weights, bias;
    private final boolean cold;
    private final List<Entrant> entrants = new ArrayList<>();

    /** A plan of nothing but the convolution, after a sweep of the caches where these are to be cold. */
    private record Entrant(String name, MemorySegment plan, int buffers, MemorySegment workspace, MemorySegment times) {}

    /**
     * The microseconds that each takes.
     *
     * @param names implementations that accept {@code problem}
     * @param cold whether weights are to come from memory
     */
    static Map<String, Double> microseconds(Device device, MemorySegment problem, List<String> names, boolean cold) {
        try (var trial = new Trial(device, problem, cold)) {
            for (var name : names) trial.enter(name);
            return trial.rounds();
        }
    }

    private Trial(Device device, MemorySegment problem, boolean cold) {
        this.device = device;
        this.problem = problem;
        this.cold = cold;
        try {
            error = sextant_error.allocate(arena);
            buffers = arena.allocate(ValueLayout.ADDRESS, BUFFERS);
            put(SRC, activation(sextant_conv2d.src(problem)));
            put(DST, activation(sextant_conv2d.dst(problem)));
            if (sextant_conv2d.has_residual(problem) != 0) put(RESIDUAL, activation(sextant_conv2d.residual(problem)));
            if (cold) {
                put(SWEPT, activation(sweep(SWEEP)));
                put(SWEPT_DST, activation(sweep(1)));
            }
            var dst = sextant_conv2d.dst(problem);
            long k = sextant_tensor.c(dst), c = sextant_tensor.c(sextant_conv2d.src(problem));
            long terms = c / sextant_conv2d.groups(problem) * sextant_conv2d.r(problem) * sextant_conv2d.s(problem);
            weights = noise(k * terms, Math.sqrt(3.0 / terms));
            bias = noise(Math.max(k, c), 1);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    private void put(int buffer, MemorySegment memory) {
        buffers.setAtIndex(ValueLayout.ADDRESS, buffer, memory);
    }

    private void enter(String name) {
        var plan = Native.create((handle, room) -> sextant_h.sextant_plan_create(device.handle(), handle, room))
            .reinterpret(arena, sextant_h::sextant_plan_destroy);
        if (cold) add(plan, sweep(), SWEPT, SWEPT_DST);
        var text = arena.allocateFrom(name);
        var norm = sextant_conv2d.pre_activation(problem) == 0 ? MemorySegment.NULL : bias;
        var operation = Native.create((handle, room) ->
            sextant_h.sextant_conv2d_create(device.handle(), problem, weights, bias, norm, norm, text, handle, room));
        if (sextant_conv2d.has_residual(problem) != 0) add(plan, operation, SRC, RESIDUAL, DST);
        else add(plan, operation, SRC, DST);
        Native.check(room -> sextant_h.sextant_plan_finish(plan, room));
        var info = sextant_plan_info.allocate(arena);
        Native.check(room -> sextant_h.sextant_plan_get_info(plan, info, room));
        long bytes = sextant_plan_info.workspace_bytes(info);
        entrants.add(new Entrant(name, plan, sextant_plan_info.buffers(info),
            bytes == 0 ? MemorySegment.NULL : device.allocate(bytes, false, arena, "tuning"), arena.allocate(ValueLayout.JAVA_LONG, 2)));
    }

    private void add(MemorySegment plan, MemorySegment operation, int... operands) {
        try {
            var places = sextant_place.allocateArray(operands.length, arena);
            for (int i = 0; i < operands.length; i++) sextant_place.buffer(sextant_place.asSlice(places, i), operands[i]);
            Native.check(room -> sextant_h.sextant_plan_add(plan, operation, places, operands.length, room));
        } finally {
            sextant_h.sextant_op_destroy(operation);
        }
    }

    private Map<String, Double> rounds() {
        var best = new LinkedHashMap<String, Double>();
        for (var entrant : entrants) run(entrant); // touches weights and scratch for the first time
        long begin = System.nanoTime();
        for (int round = 0; round < MOST_ROUNDS
            && (round < FEWEST_ROUNDS || System.nanoTime() - begin < ENOUGH_NANOSECONDS); round++) {
            double fastest = best.values().stream().mapToDouble(time -> time).min().orElse(Double.MAX_VALUE);
            for (var entrant : entrants) {
                if (best.getOrDefault(entrant.name(), 0.0) <= HOPELESS * fastest) best.merge(entrant.name(), turn(entrant), Math::min);
            }
        }
        return best;
    }

    /** Microseconds a run, over enough runs for the clock. */
    private double turn(Entrant entrant) {
        long nanoseconds = 0;
        int runs = 0;
        while (runs == 0 || runs < MOST_RUNS && nanoseconds < TURN_NANOSECONDS) {
            nanoseconds += run(entrant);
            runs++;
        }
        return nanoseconds / 1e3 / runs;
    }

    private long run(Entrant entrant) {
        put(0, entrant.workspace());
        Native.check(room -> sextant_h.sextant_plan_run(entrant.plan(), buffers, entrant.buffers(), entrant.times(), room), error);
        return entrant.times().getAtIndex(ValueLayout.JAVA_LONG, cold ? 1 : 0);
    }

    // ------------------------------------------------------------------------------------------ memory

    /** Global average pooling of images that fill the caches: it reads them all and writes next to nothing. */
    private MemorySegment sweep() {
        var pool = sextant_pool2d.allocate(arena);
        sextant_pool2d.src(pool, sweep(SWEEP));
        sextant_pool2d.dst(pool, sweep(1));
        sextant_pool2d.kind(pool, sextant_h.SEXTANT_POOL_AVERAGE());
        sextant_pool2d.r(pool, SWEEP);
        sextant_pool2d.s(pool, SWEEP);
        sextant_pool2d.stride_h(pool, 1);
        sextant_pool2d.stride_w(pool, 1);
        sextant_pool2d.dilation_h(pool, 1);
        sextant_pool2d.dilation_w(pool, 1);
        return Native.create((handle, room) ->
            sextant_h.sextant_pool2d_create(device.handle(), pool, MemorySegment.NULL, MemorySegment.NULL, MemorySegment.NULL, handle, room));
    }

    private MemorySegment sweep(int side) {
        var tensor = sextant_tensor.allocate(arena);
        sextant_tensor.layout(tensor, sextant_tensor.layout(sextant_conv2d.dst(problem)));
        sextant_tensor.n(tensor, SWEEP_IMAGES);
        sextant_tensor.c(tensor, 16);
        sextant_tensor.c_total(tensor, 16);
        sextant_tensor.h(tensor, side);
        sextant_tensor.w(tensor, side);
        return tensor;
    }

    /** Memory of the device's for a tensor, the whole one where it is a slice, full of noise. */
    private MemorySegment activation(MemorySegment tensor) {
        var noise = tensorNoise(tensor);
        if (!device.isRemote()) return noise;
        var memory = device.allocate(noise.byteSize(), false, arena, "tuning");
        device.copy(memory, noise);
        return memory;
    }

    private MemorySegment tensorNoise(MemorySegment tensor) {
        int block = Order.of(sextant_tensor.layout(tensor)).block();
        long halo = 2L * sextant_tensor.halo(tensor);
        long elements = sextant_tensor.n(tensor) * ((sextant_tensor.c_total(tensor) + block - 1L) / block) * block
            * (sextant_tensor.h(tensor) + halo) * (sextant_tensor.w(tensor) + halo);
        return switch (Format.Kind.values()[sextant_tensor.dtype(tensor)]) {
            case F32, TF32 -> noise(elements, 1);
            case BF16 -> noise(elements, Short.BYTES, (memory, i, value) ->
                memory.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits((float) value) >>> 16)));
            case F16 -> noise(elements, Short.BYTES, (memory, i, value) ->
                memory.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16((float) value)));
            case U8 -> noise(elements, Byte.BYTES, (memory, i, value) -> memory.set(ValueLayout.JAVA_BYTE, i, (byte) (127 * value)));
        };
    }

    /** {@code count} floats between -size and size. */
    private MemorySegment noise(long count, double size) {
        return noise(count, Float.BYTES, (memory, i, value) -> memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (size * value)));
    }

    /** Puts a number between -1 and 1 into memory, as its {@code index}-th element. */
    private interface Element {
        void put(MemorySegment memory, long index, double value);
    }

    private MemorySegment noise(long count, int bytes, Element element) {
        var memory = Native.allocate(count * bytes, arena, "tuning");
        var random = new SplittableRandom(count);
        long done = Math.min(count, NOISE);
        for (long i = 0; i < done; i++) element.put(memory, i, random.nextDouble(-1, 1));
        for (; done < count; done *= 2) MemorySegment.copy(memory, 0, memory, done * bytes, Math.min(done, count - done) * bytes);
        return memory;
    }

    @Override
    public void close() {
        arena.close();
    }
}
