// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.Predictor.Step;
import dev.sextant.Predictor.Timing;
import dev.sextant.bindings.sextant_error;
import dev.sextant.bindings.sextant_h;
import dev.sextant.bindings.sextant_plan_info;
import dev.sextant.bindings.sextant_training_state;
import dev.sextant.graph.TrainingGraph;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.train.Optimizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Trains a network, one batch at a time: forward, loss, backward and optimizer are one native plan, run in one call, in memory
 * planned once. The loss is the mean cross-entropy of a batch, with {@code Aux.lossWeight} times that of each auxiliary head.
 *
 * <p>For one user at a time; a second thread that comes while a step is going on gets an {@link IllegalStateException}.
 * {@link #close} waits for a step to end. The same parameters, batches, options and number of threads give the same results, bit for
 * bit.
 */
public final class Trainer implements AutoCloseable {
    /** What is filled before a step or looked at after each. */
    private static final int[] SHARED = {TrainingLowering.IMAGES, TrainingLowering.LOGITS, TrainingLowering.TARGETS, TrainingLowering.LOSSES,
        TrainingLowering.STATE};
    private static final String MOMENT = "moment.", SECOND = "second.";

    private final OneUser user = new OneUser("trainer");
    private final Arena arena = Arena.ofShared();
    private final Network network;
    private final Options options;
    private final TrainingGraph graph;
    private final FlatParameters parameters, statistics;
    private final List<Step> steps;
    private final long flops, workspaceBytes;
    private final int count;
    private final Buffers buffers;
    private final MemorySegment plan, nanoseconds, error;

    /**
     * How to train.
     *
     * @param batch images in a step
     * @param image shape of one, c h w; null stands for the network's own
     * @param smoothing of labels: that part of each target is spread over all classes (Szegedy et al., arXiv:1512.00567, sec. 7)
     * @param precision FP32; STRICT for sums without Winograd; TF32 on a GPU; or BF16 for pictures and their gradients in bfloat16
     *     while parameters, their gradients, sums and features behind the pictures stay float32 (mixed precision, on a GPU or a
     *     processor with AVX512_BF16)
     * @param seed of dropout
     */
    public record Options(int batch, Shape image, Optimizer optimizer, double smoothing, Precision precision, long seed) {
        public Options {
            if (batch < 1) throw new IllegalArgumentException("batch: expects at least 1, found " + batch);
            if (!(smoothing >= 0 && smoothing < 1)) {
                throw new IllegalArgumentException("smoothing: expects 0 up to, not with, 1, found " + smoothing);
            }
            if (precision == Precision.INT8 || precision == Precision.FP16) {
                throw new IllegalArgumentException("precision: training expects fp32, strict, tf32 or bf16, found " + precision
                    + (precision == Precision.FP16 ? ", in which small gradients become 0" : ""));
            }
        }

        public static Options of(int batch, Optimizer optimizer) {
            return new Options(batch, null, optimizer, 0, Precision.FP32, 0);
        }

        public Options withImage(Shape image) {
            return new Options(batch, image, optimizer, smoothing, precision, seed);
        }

        public Options withSmoothing(double smoothing) {
            return new Options(batch, image, optimizer, smoothing, precision, seed);
        }

        public Options withPrecision(Precision precision) {
            return new Options(batch, image, optimizer, smoothing, precision, seed);
        }

        public Options withSeed(long seed) {
            return new Options(batch, image, optimizer, smoothing, precision, seed);
        }
    }

    /**
     * What a step did.
     *
     * @param step its number, from 0
     * @param loss before the step
     * @param gradientNorm length of the gradient of all parameters taken as one vector, before clipping
     */
    public record Result(long step, double loss, double gradientNorm) {}

    /**
     * @param parameters by key, running statistics and those of auxiliary heads included; copied
     * @throws IllegalArgumentException if one is missing or of another shape, or the network does not end in logits
     * @throws UnsupportedOperationException if the device has not the instructions for the precision
     * @throws SextantException if there is not enough memory
     */
    public Trainer(Network network, Device device, Map<String, Tensor> parameters, Options options) {
        this.network = network;
        this.options = options;
        options.precision().requireOn(device.info());
        var image = options.image() == null ? network.input() : options.image();
        this.graph = TrainingGraph.of(network.body(), image.prepend(options.batch()), device.info().order(),
            options.precision().format());
        this.parameters = new FlatParameters(graph.parameters());
        this.statistics = new FlatParameters(graph.statistics());
        try {
            var created = Native.create((plan, error) -> sextant_h.sextant_plan_create(device.handle(), plan, error));
            plan = created.reinterpret(arena, sextant_h::sextant_plan_destroy);
            steps = new TrainingLowering(device, graph, options, this.parameters, statistics).into(plan);
            error = sextant_error.allocate(arena);
            Native.check(room -> sextant_h.sextant_plan_finish(plan, room), error);
            var info = sextant_plan_info.allocate(arena);
            Native.check(room -> sextant_h.sextant_plan_get_info(plan, info, room), error);
            workspaceBytes = sextant_plan_info.workspace_bytes(info);
            flops = sextant_plan_info.flops(info);
            count = sextant_plan_info.buffers(info);
            nanoseconds = arena.allocate(ValueLayout.JAVA_LONG, steps.size());
            buffers = buffers(device);
            write(this.parameters, parameters, "", TrainingLowering.PARAMETERS);
            write(statistics, parameters, "", TrainingLowering.STATISTICS);
            sextant_training_state.seed(state(), options.seed());
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    private Buffers buffers(Device device) {
        var images = graph.forward().input();
        long logits = graph.forward().output().shape().elements() * Float.BYTES;
        long flat = parameters.count() * Float.BYTES;
        var bytes = new long[TrainingLowering.SECOND_MOMENTS + 1];
        bytes[0] = workspaceBytes;
        bytes[TrainingLowering.IMAGES] = images.shape().elements() * Float.BYTES;
        bytes[TrainingLowering.LOGITS] = logits;
        bytes[TrainingLowering.TARGETS] = logits;
        bytes[TrainingLowering.LOSSES] = (long) graph.losses().size() * images.n() * Float.BYTES;
        bytes[TrainingLowering.PARAMETERS] = flat;
        bytes[TrainingLowering.GRADIENTS] = flat;
        bytes[TrainingLowering.STATISTICS] = statistics.count() * Float.BYTES;
        bytes[TrainingLowering.STATE] = sextant_training_state.sizeof();
        bytes[TrainingLowering.MOMENTS] = flat;
        bytes[TrainingLowering.SECOND_MOMENTS] = options.optimizer().moments() > 1 ? flat : 0;
        var isShared = new boolean[bytes.length];
        for (int buffer : SHARED) isShared[buffer] = true;
        return new Buffers(device, arena, bytes, isShared, "trainer");
    }

    private SequencedMap<String, Tensor> read(FlatParameters flat, int buffer, String prefix) {
        try (var scratch = Arena.ofConfined()) {
            return flat.read(buffers.content(buffer, scratch), prefix);
        }
    }

    private void write(FlatParameters flat, Map<String, Tensor> tensors, String prefix, int buffer) {
        try (var scratch = Arena.ofConfined()) {
            var room = buffers.room(buffer, scratch);
            flat.write(tensors, prefix, room);
            buffers.put(buffer, room);
        }
    }

    public Network network() {
        return network;
    }

    public Options options() {
        return options;
    }

    /** The next step's pictures, float32 n c h w: to be filled before {@link #step}. Valid until {@link #close}. */
    public MemorySegment images() {
        return buffers.get(TrainingLowering.IMAGES);
    }

    /** The next step's targets, float32 n x classes: for each picture a distribution, one 1 and zeros for a plain label. */
    public MemorySegment targets() {
        return buffers.get(TrainingLowering.TARGETS);
    }

    /**
     * Runs one step on {@link #images} and {@link #targets}.
     *
     * @throws SextantException if the loss or the gradient is not finite any more, with the step's number: the
     *     parameters are of no use then
     */
    public Result step(double learningRate) {
        user.begin("step");
        try {
            return run(learningRate, MemorySegment.NULL);
        } finally {
            user.end();
        }
    }

    /** As {@link #step}, and times each operation. */
    public List<Timing> profile(double learningRate) {
        user.begin("profile");
        try {
            run(learningRate, nanoseconds);
            var timings = new ArrayList<Timing>();
            for (var step : steps) timings.add(new Timing(step, nanoseconds.getAtIndex(ValueLayout.JAVA_LONG, timings.size())));
            return List.copyOf(timings);
        } finally {
            user.end();
        }
    }

    private Result run(double learningRate, MemorySegment times) {
        sextant_training_state.learning_rate(state(), (float) learningRate);
        Native.check(room -> sextant_h.sextant_plan_run(plan, buffers.addresses(), count, times, room), error);
        long step = sextant_training_state.step(state());
        double loss = 0, norm = sextant_training_state.gradient_norm(state());
        var losses = buffers.get(TrainingLowering.LOSSES);
        for (long i = 0; i < losses.byteSize() / Float.BYTES; i++) loss += losses.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        loss /= options.batch();
        if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
            throw new SextantException("training: step " + step + " has the loss " + loss + " and a gradient of length " + norm
                + ": a lower learning rate, a warm-up or clipping may help");
        }
        sextant_training_state.step(state(), step + 1);
        return new Result(step, loss, norm);
    }

    /** What the network gave for the last step's pictures, before that step changed it: n x classes, on the Java heap. */
    public Tensor logits() {
        user.begin("logits");
        try {
            var shape = graph.forward().output().shape();
            return Tensor.of(Shape.of(shape.dim(0), shape.dim(1)), buffers.get(TrainingLowering.LOGITS).toArray(ValueLayout.JAVA_FLOAT));
        } finally {
            user.end();
        }
    }

    /** Copies of all parameters and running statistics, by the network's keys. */
    public SequencedMap<String, Tensor> parameters() {
        user.begin("parameters");
        try {
            var all = new LinkedHashMap<>(read(parameters, TrainingLowering.PARAMETERS, ""));
            all.putAll(read(statistics, TrainingLowering.STATISTICS, ""));
            return Collections.unmodifiableSequencedMap(all);
        } finally {
            user.end();
        }
    }

    /** Copies of the last step's gradients, by the keys of their parameters. */
    public SequencedMap<String, Tensor> gradients() {
        user.begin("gradients");
        try {
            return read(parameters, TrainingLowering.GRADIENTS, "");
        } finally {
            user.end();
        }
    }

    /** Copies of the optimizer's moments: {@code moment.KEY}, and {@code second.KEY} where there are two. */
    public SequencedMap<String, Tensor> moments() {
        user.begin("moments");
        try {
            var all = new LinkedHashMap<>(read(parameters, TrainingLowering.MOMENTS, MOMENT));
            if (options.optimizer().moments() > 1) all.putAll(read(parameters, TrainingLowering.SECOND_MOMENTS, SECOND));
            return Collections.unmodifiableSequencedMap(all);
        } finally {
            user.end();
        }
    }

    /** Steps done so far. */
    public long steps() {
        user.begin("steps");
        try {
            return sextant_training_state.step(state());
        } finally {
            user.end();
        }
    }

    /**
     * Goes on from where another trainer of the same network and options was.
     *
     * @param steps it had done
     * @throws IllegalArgumentException if a tensor is missing or of another shape; nothing is changed then
     */
    public void restore(Map<String, Tensor> parameters, Map<String, Tensor> moments, long steps) {
        user.begin("restore");
        try {
            boolean two = options.optimizer().moments() > 1;
            this.parameters.require(parameters, "");
            statistics.require(parameters, "");
            this.parameters.require(moments, MOMENT);
            if (two) this.parameters.require(moments, SECOND);
            write(this.parameters, parameters, "", TrainingLowering.PARAMETERS);
            write(statistics, parameters, "", TrainingLowering.STATISTICS);
            write(this.parameters, moments, MOMENT, TrainingLowering.MOMENTS);
            if (two) write(this.parameters, moments, SECOND, TrainingLowering.SECOND_MOMENTS);
            sextant_training_state.step(state(), steps);
        } finally {
            user.end();
        }
    }

    /** The network with the parameters it has now, for inference; to be closed by the caller. */
    public Model model() {
        return Model.of(network, Weights.of(parameters(), network.name() + " in training"));
    }

    /** The operations of a step, in order. */
    public List<Step> operations() {
        return steps;
    }

    /** The planned step, one line an operation when printed. */
    public TrainingGraph graph() {
        return graph;
    }

    /** Memory for activations, their gradients and scratch. */
    public long workspaceBytes() {
        return workspaceBytes;
    }

    /** Of one step; a multiply-add counts 2. */
    public long flops() {
        return flops;
    }

    private MemorySegment state() {
        return buffers.get(TrainingLowering.STATE);
    }

    /** Waits for a step to end and gives the memory back. Closing twice does nothing. */
    @Override
    public void close() {
        user.close(arena::close);
    }

    @Override
    public String toString() {
        return "trainer of " + network + " on batches of " + options.batch() + ", " + steps.size() + " operations";
    }
}
