// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Preprocessing;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A data set in batches, which other threads prepare ahead of the one that takes them. What a batch holds depends on its number
 * and the seed only, never on the threads: training may stop at any batch and go on from there.
 *
 * <p>One thread at a time may take batches; any may {@link #close}.
 */
public final class Batches implements AutoCloseable {
    /** Batches that may lie ready beside those being prepared. */
    private static final int AHEAD = 2;
    /** Marks the random numbers of orders; those of samples have purposes from 1 on. */
    private static final int ORDER = 0;

    private final Dataset data;
    private final int batch, each, classes;
    private final long seed, end;
    private final boolean shuffled;
    private final List<Thread> threads = new ArrayList<>();
    private final Slot[] slots;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long claimed, taken, orderedEpoch = -1;
    private int[] order;
    private volatile boolean closed;
    private int[] last = {};

    /** Memory of one batch, on its way from a preparing thread to the taker, and again. */
    private static final class Slot {
        final float[] images, targets;
        final int[] samples;
        long epoch;
        int count;
        boolean full;
        Throwable failure;

        Slot(int batch, int each, int classes) {
            images = new float[Math.multiplyExact(batch, each)];
            targets = new float[Math.multiplyExact(batch, classes)];
            samples = new int[batch];
        }
    }

    private Batches(Dataset data, Preprocessing preprocessing, int batch, List<Augmentation> augmentations, long seed,
            long first, long end, boolean shuffled, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("batches: expected at least 1 thread to prepare them, found " + threads);
        }
        if (first < 0) throw new IllegalArgumentException("batches: expected a first batch of at least 0, found " + first);
        this.data = data;
        this.batch = batch;
        this.seed = seed;
        this.end = end;
        this.shuffled = shuffled;
        each = Math.multiplyExact(preprocessing.channels(), preprocessing.height() * preprocessing.width());
        classes = data.labels().size();
        claimed = taken = first;
        slots = new Slot[threads - 1 + AHEAD];
        for (int i = 0; i < slots.length; i++) slots[i] = new Slot(batch, each, classes);
        for (int i = 0; i < threads; i++) {
            var pipeline = new Pipeline(data, preprocessing, augmentations, seed);
            this.threads.add(Thread.ofPlatform().daemon().name("sextant-batches-" + i).unstarted(() -> prepare(pipeline)));
        }
        this.threads.forEach(Thread::start);
    }

    /**
     * Batches without end, to train on. Batch {@code s} belongs to epoch {@code s / batchesPerEpoch()}; each epoch goes through
     * the samples in another order, and leaves out those that would not fill its last batch.
     *
     * @param preprocessing the network's, from a picture to its input
     * @param batch samples of a batch
     * @param seed of the order and the augmentations
     * @param first the number of the batch to begin with: how many steps have been made before
     * @param threads how many prepare; see {@link #threads()}
     * @throws IllegalArgumentException if the data set has fewer samples than a batch, or an argument is out of range
     */
    public static Batches training(Dataset data, Preprocessing preprocessing, int batch, List<Augmentation> augmentations,
            long seed, long first, int threads) {
        if (batch < 1 || batch > data.size()) {
            throw new IllegalArgumentException("batches: expected 1 to " + data.size() + " samples a batch, as many as "
                + data.name() + " has, found " + batch);
        }
        return new Batches(data, preprocessing, batch, List.copyOf(augmentations), seed, first, Long.MAX_VALUE, true, threads);
    }

    /** All samples once, in their order and as they are; the last batch may have fewer than {@code batch}. */
    public static Batches evaluation(Dataset data, Preprocessing preprocessing, int batch, int threads) {
        if (batch < 1) throw new IllegalArgumentException("batches: expected at least 1 sample a batch, found " + batch);
        return new Batches(data, preprocessing, batch, List.of(), 0, 0, Math.ceilDiv(data.size(), batch), false, threads);
    }

    /** How many threads suffice beside a trainer that uses all processors itself. */
    public static int threads() {
        return Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 8);
    }

    /** Batches of one pass over the samples. */
    public int batchesPerEpoch() {
        return shuffled ? data.size() / batch : Math.ceilDiv(data.size(), batch);
    }

    /**
     * Waits for the next batch and copies it.
     *
     * @param images float32 {@code n c h w}, of at least a batch
     * @param targets float32 {@code n classes}: 1 at the sample's class, 0 elsewhere, or as mixup shares it out
     * @return how many samples it has; rows past these are zeros. 0 at the end of an evaluation
     * @throws IOException if a sample could not be read or decoded, naming it; and again at every further call
     * @throws IllegalStateException if closed
     */
    public int next(MemorySegment images, MemorySegment targets) throws IOException {
        require(images, (long) batch * each, "images");
        require(targets, (long) batch * classes, "targets");
        if (taken == end) return 0;
        var slot = await();
        MemorySegment.copy(slot.images, 0, images, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, slot.images.length);
        MemorySegment.copy(slot.targets, 0, targets, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, slot.targets.length);
        int count = slot.count;
        if (last.length != count) last = new int[count];
        System.arraycopy(slot.samples, 0, last, 0, count);
        lock.lock();
        try {
            slot.full = false;
            taken++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        return count;
    }

    /** Which sample of the data set row {@code row} of the last batch came from. */
    public int sample(int row) {
        return last[row];
    }

    /** Stops the threads; what is being prepared is given up. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        for (var thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    private static void require(MemorySegment memory, long floats, String what) {
        if (memory.byteSize() < floats * Float.BYTES) {
            throw new IllegalArgumentException("batches: expected memory for " + floats + " " + what + " values, "
                + floats * Float.BYTES + " bytes, found " + memory.byteSize());
        }
    }

    private Slot await() throws IOException {
        var slot = slots[(int) (taken % slots.length)];
        lock.lock();
        try {
            while (!closed && !slot.full) changed.await();
            if (closed) throw new IllegalStateException("batches: closed");
            if (slot.failure != null) throw asThrown(slot.failure);
            return slot;
        } catch (InterruptedException e) {
            throw interrupted(data.name());
        } finally {
            lock.unlock();
        }
    }

    /** One thread's work: batch after batch. */
    private void prepare(Pipeline pipeline) {
        for (var slot = claim(); slot != null; slot = claim()) {
            Throwable failure = null;
            try {
                fill(pipeline, slot);
            } catch (IOException | RuntimeException | Error e) {
                failure = e;
            }
            lock.lock();
            try {
                slot.failure = failure;
                slot.full = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            if (failure != null) return;
        }
    }

    /** The next batch that nobody prepares yet, once there is memory for it; null if there is none. */
    private Slot claim() {
        lock.lock();
        try {
            while (!closed && claimed < end && claimed - taken >= slots.length) changed.awaitUninterruptibly();
            if (closed || claimed == end) return null;
            var slot = slots[(int) (claimed % slots.length)];
            long first = claimed % batchesPerEpoch() * batch;
            slot.epoch = claimed++ / batchesPerEpoch();
            slot.count = (int) Math.min(batch, data.size() - first);
            if (shuffled && slot.epoch != orderedEpoch) {
                order = new SampleRandom().begin(seed, slot.epoch, 0, ORDER).order(data.size());
                orderedEpoch = slot.epoch;
            }
            for (int n = 0; n < slot.count; n++) slot.samples[n] = shuffled ? order[(int) first + n] : (int) first + n;
            return slot;
        } finally {
            lock.unlock();
        }
    }

    private void fill(Pipeline pipeline, Slot slot) throws IOException {
        for (int n = 0; n < slot.count && !closed; n++) pipeline.fill(slot.samples[n], slot.epoch, slot.images, n * each);
        pipeline.finish(slot.samples, slot.count, slot.epoch, slot.images, slot.targets);
        Arrays.fill(slot.images, slot.count * each, slot.images.length, 0);
    }

    /** What another thread failed with, to be thrown on this one. */
    static IOException asThrown(Throwable failure) {
        return switch (failure) {
            case IOException e -> e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        };
    }

    /** For a wait that was interrupted; the thread stays so. */
    static IOException interrupted(String name) {
        Thread.currentThread().interrupt();
        return new InterruptedIOException(name + ": interrupted while waiting for pictures");
    }
}
