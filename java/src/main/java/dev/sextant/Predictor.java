// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.bindings.sextant_error;
import dev.sextant.graph.Graph;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Runs a model on inputs of one shape, in memory of its own, planned once: a run allocates nothing native. For one user at a
 * time; a second thread that comes while a run is going on gets an {@link IllegalStateException}. {@link #close} waits for a run
 * to end.
 */
public final class Predictor implements AutoCloseable {
    private static final int TAPS = Lowering.OUTPUT + 1;
    /** Never started: what it may read, any thread may, and so any thread may be the one that closes its arena. */
    private static final Thread STRANGER = Thread.ofPlatform().unstarted(() -> { });
    private static final MemorySegment.Scope FOREVER = Arena.global().scope();

    private final OneUser user = new OneUser("predictor");
    private final Arena arena = Arena.ofShared();
    private final Plan plan;
    private final Shape inputShape;
    private final Runnable release;
    private final Buffers buffers;
    private final MemorySegment input, output, nanoseconds, error;
    private boolean hasRun;

    /**
     * What a predictor is made for.
     *
     * @param shape of the input, n c h w; null stands for one image of the network's own size
     * @param taps stages whose results to report besides the output; each costs a copy, and what would have been fused away is
     *     kept
     * @param tuned whether to time the kernels that could do each convolution, on this machine, and take the fastest. What is
     *     found is kept in a file beside the library's cache, so that only the first predictor of its kind takes the seconds
     * @param resident whether input and output lie in a GPU's own memory, so that {@link #rerun} moves nothing; {@link #predict} copies
     *     there and back. If not, they lie in memory of this machine that the GPU reads and writes as it runs. Of no effect on a
     *     processor
     */
    public record Options(Shape shape, Precision precision, List<String> taps, boolean tuned, boolean resident) {
        public static final Options DEFAULT = new Options(null, Precision.FP32, List.of(), false, false);

        public Options {
            taps = List.copyOf(taps);
        }

        public static Options of(Shape shape) {
            return DEFAULT.withShape(shape);
        }

        public Options withShape(Shape shape) {
            return new Options(shape, precision, taps, tuned, resident);
        }

        public Options withPrecision(Precision precision) {
            return new Options(shape, precision, taps, tuned, resident);
        }

        public Options withTuning(boolean tuned) {
            return new Options(shape, precision, taps, tuned, resident);
        }

        public Options withResident(boolean resident) {
            return new Options(shape, precision, taps, tuned, resident);
        }

        public Options withTaps(List<String> taps) {
            return new Options(shape, precision, taps, tuned, resident);
        }
    }

    /**
     * One operation of the plan.
     *
     * @param name of the layer it came from
     * @param operation what it does: {@code conv 3x3 pad 1 relu}
     * @param implementation the kernel that does it
     * @param output the shape of its result
     * @param flops of the arithmetic asked for; a multiply-add counts 2
     * @param weightBytes repacked weights it holds
     * @param bytes what it reads and writes: its operands' pixels, whole blocks of channels, and the weights
     */
    public record Step(String name, String operation, String implementation, Shape output, long flops, long weightBytes,
            long bytes) {}

    /** How long a step took. */
    public record Timing(Step step, long nanoseconds) {}

    /** @param release called once when the predictor is closed */
    Predictor(Plan plan, Shape inputShape, Runnable release) {
        this(plan, inputShape, false, release);
    }

    /** @param resident see {@link Options} */
    Predictor(Plan plan, Shape inputShape, boolean resident, Runnable release) {
        this.plan = plan;
        this.inputShape = inputShape;
        this.release = release;
        try {
            var graph = plan.graph();
            var values = new ArrayList<>(List.of(graph.input(), graph.output()));
            values.addAll(graph.taps().values());
            var bytes = new long[values.size() + 1];
            var isShared = new boolean[bytes.length];
            bytes[0] = plan.workspaceBytes();
            for (int i = 1; i < bytes.length; i++) {
                bytes[i] = values.get(i - 1).shape().elements() * Float.BYTES;
                isShared[i] = !resident || i >= TAPS;
            }
            buffers = new Buffers(plan.device(), arena, bytes, isShared, "predictor");
            input = buffers.get(Lowering.INPUT);
            output = buffers.get(Lowering.OUTPUT);
            nanoseconds = arena.allocate(ValueLayout.JAVA_LONG, plan.rows().length);
            error = sextant_error.allocate(arena);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** {@code n c h w} */
    public Shape inputShape() {
        return inputShape;
    }

    public Shape outputShape() {
        return plan.graph().output().shape();
    }

    /**
     * Runs the network.
     *
     * @param input float32 of {@link #inputShape}
     * @return on the Java heap, independent of this predictor
     * @throws IllegalArgumentException for an input of another shape
     * @throws IllegalStateException if another thread is using this predictor, or it is closed
     */
    public Tensor predict(Tensor input) {
        if (!input.shape().equals(inputShape)) {
            throw new IllegalArgumentException("predict: this predictor is made for inputs of shape " + inputShape + ", found "
                + input.shape());
        }
        user.begin("predict");
        try {
            run(input.data(), output, MemorySegment.NULL);
            return tensor(outputShape(), Lowering.OUTPUT);
        } finally {
            user.end();
        }
    }

    /**
     * Runs the network from memory to memory, float32 without gaps. On a processor native memory of the calling thread's own confined
     * arena or of the global one is used where it lies; anything else, which another thread might free meanwhile, goes through the
     * predictor's own.
     *
     * @throws IllegalArgumentException for sizes other than those of {@link #inputShape} and {@link #outputShape}
     * @throws IllegalStateException if another thread is using this predictor, or it or an arena of the memory is closed
     */
    public void predict(MemorySegment in, MemorySegment out) {
        requireSize(in, input, "in", inputShape);
        requireSize(out, output, "out", outputShape());
        if (out.isReadOnly()) throw new IllegalArgumentException("predict: out is read-only");
        user.begin("predict");
        try {
            run(in, out, MemorySegment.NULL);
        } finally {
            user.end();
        }
    }

    private static void requireSize(MemorySegment given, MemorySegment own, String name, Shape shape) {
        if (given.byteSize() != own.byteSize()) {
            throw new IllegalArgumentException("predict: " + name + " expects " + own.byteSize() + " bytes for " + shape
                + ", found " + given.byteSize());
        }
    }

    /**
     * What the last run gave at the stages asked for, in that order; on the Java heap.
     *
     * @throws IllegalStateException before any run
     */
    public SequencedMap<String, Tensor> taps() {
        user.begin("taps");
        try {
            if (!hasRun) throw new IllegalStateException("taps: nothing has been predicted yet");
            var results = new LinkedHashMap<String, Tensor>();
            int next = TAPS;
            for (var tap : plan.graph().taps().entrySet()) results.put(tap.getKey(), tensor(tap.getValue().shape(), next++));
            return Collections.unmodifiableSequencedMap(results);
        } finally {
            user.end();
        }
    }

    /**
     * Runs the network once more on what was last copied in, zeros at first, and leaves the result where it is: a run without any
     * copy, for measuring.
     */
    public void rerun() {
        user.begin("rerun");
        try {
            run(input, output, MemorySegment.NULL);
        } finally {
            user.end();
        }
    }

    /** Runs the network once more on what was last copied in, zeros at first, and times each step. */
    public List<Timing> profile() {
        user.begin("profile");
        try {
            run(input, output, nanoseconds);
            var sums = new long[steps().size()];
            var rows = plan.rows();
            for (int i = 0; i < rows.length; i++) sums[rows[i]] += nanoseconds.getAtIndex(ValueLayout.JAVA_LONG, i);
            var timings = new ArrayList<Timing>();
            for (var step : steps()) timings.add(new Timing(step, sums[timings.size()]));
            return List.copyOf(timings);
        } finally {
            user.end();
        }
    }

    /** The operations of a run, in order. */
    public List<Step> steps() {
        return plan.steps();
    }

    /** The compiled graph, one line a node when printed. */
    public Graph graph() {
        return plan.graph();
    }

    /** What happened while it was compiled that its user may want to know, each a sentence: how tuning went. */
    public List<String> notes() {
        return plan.notes();
    }

    /** Memory that this predictor holds for activations and scratch. */
    public long workspaceBytes() {
        return plan.workspaceBytes();
    }

    /** Repacked weights, shared by all predictors of the same plan. */
    public long weightBytes() {
        return plan.weightBytes();
    }

    /** Of one run; a multiply-add counts 2. */
    public long flops() {
        return plan.flops();
    }

    /** The caller holds the lock. */
    private void run(MemorySegment in, MemorySegment out, MemorySegment times) {
        boolean isRemote = plan.device().isRemote();
        var src = !isRemote && isSafe(in) ? in : input;
        var dst = !isRemote && isSafe(out) ? out : output;
        if (src == input && in != input) buffers.write(Lowering.INPUT, in);
        buffers.set(Lowering.INPUT, src);
        buffers.set(Lowering.OUTPUT, dst);
        try {
            plan.run(buffers.addresses(), times, error);
        } finally {
            // The plan sees addresses, not segments: these keep the memory behind them.
            Reference.reachabilityFence(in);
            Reference.reachabilityFence(out);
        }
        if (dst == output && out != output) buffers.read(Lowering.OUTPUT, out);
        hasRun = true;
    }

    /** Whether nobody can free it while a run of the calling thread uses its address. */
    private static boolean isSafe(MemorySegment segment) {
        return segment.isNative() && segment.address() % Float.BYTES == 0 && segment.isAccessibleBy(Thread.currentThread())
            && segment.scope().isAlive() && (segment.scope().equals(FOREVER) || !segment.isAccessibleBy(STRANGER));
    }

    private Tensor tensor(Shape shape, int buffer) {
        try (var scratch = Arena.ofConfined()) {
            return Tensor.of(shape, buffers.content(buffer, scratch).toArray(ValueLayout.JAVA_FLOAT));
        }
    }

    /** Waits for a run to end and gives the memory back. Closing twice does nothing. */
    @Override
    public void close() {
        user.close(() -> {
            arena.close();
            release.run();
        });
    }

    @Override
    public String toString() {
        return "predictor " + inputShape + " -> " + outputShape() + ", " + steps().size() + " steps";
    }
}
