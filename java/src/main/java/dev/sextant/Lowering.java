// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.Predictor.Step;
import dev.sextant.Problems.Place;
import dev.sextant.bindings.sextant_batch_norm;
import dev.sextant.bindings.sextant_eltwise;
import dev.sextant.bindings.sextant_h;
import dev.sextant.bindings.sextant_linear;
import dev.sextant.bindings.sextant_op_info;
import dev.sextant.bindings.sextant_shortcut;
import dev.sextant.bindings.sextant_softmax;
import dev.sextant.bindings.sextant_tensor;
import dev.sextant.graph.Constant;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Node;
import dev.sextant.graph.Parameters;
import dev.sextant.graph.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Turns the nodes of a planned graph into the steps of a native plan. */
final class Lowering {
    private static final MemorySegment NONE = MemorySegment.NULL;
    /** Of the caller's buffers; buffer 0 is the workspace, the taps follow the output. */
    static final int INPUT = 1, OUTPUT = 2;
    private static final int TAPS = 3;

    private final Device device;
    private final Graph graph;
    private final Parameters parameters;
    private final Precision precision;
    private final Tuning tuning;
    private final Problems problems;
    private final List<Integer> rows = new ArrayList<>();

    /**
     * @param parameters what {@code graph}'s constants are made from
     * @param tuning chooses the kernels of convolutions, or null for the library's own choice
     */
    Lowering(Device device, Graph graph, Parameters parameters, Precision precision, Tuning tuning) {
        this.device = device;
        this.graph = graph;
        this.parameters = parameters;
        this.precision = precision;
        this.tuning = tuning;
        var callers = new HashMap<Value, Integer>();
        callers.put(graph.input(), INPUT);
        callers.put(graph.output(), OUTPUT);
        int buffer = TAPS;
        for (var tap : graph.taps().values()) callers.put(tap, buffer++);
        problems = new Problems(graph, callers);
    }

    /**
     * Adds what runs the nodes to {@code plan} and says what each node turned out to be. A segment's operations are made for
     * the images that it takes at a time, and added once for each such portion of the batch.
     */
    List<Step> into(MemorySegment plan) {
        var steps = new ArrayList<Step>();
        for (var segment : graph.segments()) {
            int images = segment.images();
            problems.of(images);
            var nodes = graph.nodes().subList(segment.first(), segment.end());
            var operations = operations(nodes);
            try (var arena = Arena.ofConfined()) {
                for (int i = 0; i < operations.length; i++) steps.add(step(nodes.get(i), operations[i], images, arena));
                for (int image = 0; image < graph.input().n(); image += images) {
                    for (int i = 0; i < operations.length; i++) {
                        var operation = operations[i];
                        var places = places(nodes.get(i), image);
                        var array = Place.array(places, arena);
                        Native.check(error -> sextant_h.sextant_plan_add(plan, operation, array, places.size(), error));
                        rows.add(segment.first() + i);
                    }
                }
            } finally {
                destroy(operations);
            }
        }
        return steps;
    }

    /** For each of the plan's own steps the node that it does, wholly or in part. */
    int[] rows() {
        return rows.stream().mapToInt(Integer::intValue).toArray();
    }

    /**
     * The operations of {@code nodes}, made by as many threads as the device has, for repacking weights is most of what there is
     * to do before a network's first run. Tuning wants the device for itself: then one thread makes them.
     */
    private MemorySegment[] operations(List<Node> nodes) {
        var made = new MemorySegment[nodes.size()];
        var next = new AtomicInteger();
        var failure = new AtomicReference<Throwable>();
        Runnable work = () -> {
            for (int i; failure.get() == null && (i = next.getAndIncrement()) < made.length; ) {
                try (var arena = Arena.ofConfined()) {
                    made[i] = operation(nodes.get(i), arena);
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                }
            }
        };
        var others = new ArrayList<Thread>();
        for (int i = 1; i < Math.min(tuning == null ? device.info().threads() : 1, made.length); i++) {
            others.add(Thread.ofPlatform().name("sextant-compile-" + i).daemon().start(work));
        }
        work.run();
        for (var other : others) awaitEnd(other);
        if (failure.get() == null) return made;
        destroy(made);
        if (failure.get() instanceof Error e) throw e;
        throw (RuntimeException) failure.get();
    }

    /** Whatever interrupts the caller, no thread may still be reading the weights when it goes on. */
    private static void awaitEnd(Thread thread) {
        boolean isInterrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException _) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) Thread.currentThread().interrupt();
    }

    private static void destroy(MemorySegment[] operations) {
        for (var operation : operations) {
            if (operation != null) sextant_h.sextant_op_destroy(operation);
        }
    }

    private Step step(Node node, MemorySegment operation, int images, Arena arena) {
        var info = sextant_op_info.allocate(arena);
        Native.check(error -> sextant_h.sextant_op_get_info(operation, info, error));
        long weightBytes = sextant_op_info.weight_bytes(info);
        long bytes = node.sources().stream().mapToLong(problems::bytes).sum() + problems.bytes(node.dst()) + weightBytes;
        return new Step(node.name(), node.text(), sextant_op_info.implementation(info).getString(0), node.dst().shape(),
            sextant_op_info.flops(info) * (node.dst().n() / images), weightBytes, bytes);
    }

    MemorySegment operation(Node node, Arena arena) {
        return switch (node) {
            case Node.Conv conv -> conv(conv, arena);
            case Node.Linear linear -> {
                var problem = sextant_linear.allocate(arena);
                problems.fill(linear.src(), sextant_linear.src(problem));
                problems.fill(linear.dst(), sextant_linear.dst(problem));
                sextant_linear.activation(problem, linear.tail().ordinal());
                var weights = values(linear.weights(), arena);
                var bias = values(linear.bias(), arena);
                yield Native.create((op, error) ->
                    sextant_h.sextant_linear_create(device.handle(), problem, weights, bias, NONE, op, error));
            }
            case Node.Pool pool -> pool(pool, arena);
            case Node.Lrn lrn -> {
                var problem = problems.lrn(lrn, arena);
                yield Native.create((op, error) -> sextant_h.sextant_lrn_create(device.handle(), problem, NONE, op, error));
            }
            case Node.BatchNorm norm -> {
                var problem = sextant_batch_norm.allocate(arena);
                problems.fill(norm.src(), sextant_batch_norm.src(problem));
                problems.fill(norm.dst(), sextant_batch_norm.dst(problem));
                sextant_batch_norm.activation(problem, norm.tail().ordinal());
                var scale = values(norm.norm().scale(), arena);
                var shift = values(norm.norm().shift(), arena);
                yield Native.create((op, error) ->
                    sextant_h.sextant_batch_norm_create(device.handle(), problem, scale, shift, NONE, op, error));
            }
            case Node.Eltwise eltwise -> {
                var problem = sextant_eltwise.allocate(arena);
                problems.fill(eltwise.src(), sextant_eltwise.src(problem));
                problems.fill(eltwise.dst(), sextant_eltwise.dst(problem));
                sextant_eltwise.activation(problem, eltwise.tail().ordinal());
                sextant_eltwise.has_other(problem, eltwise.other() == null ? 0 : 1);
                if (eltwise.other() != null) problems.fill(eltwise.other(), sextant_eltwise.other(problem));
                yield Native.create((op, error) -> sextant_h.sextant_eltwise_create(device.handle(), problem, NONE, op, error));
            }
            case Node.Softmax softmax -> {
                var problem = sextant_softmax.allocate(arena);
                problems.fillRows(softmax.src(), softmax.rows(), sextant_softmax.src(problem));
                problems.fillRows(softmax.dst(), softmax.rows(), sextant_softmax.dst(problem));
                sextant_softmax.log(problem, softmax.log() ? 1 : 0);
                yield Native.create((op, error) -> sextant_h.sextant_softmax_create(device.handle(), problem, NONE, op, error));
            }
            case Node.Concat concat -> {
                int count = concat.sources().size();
                var sources = sextant_tensor.allocateArray(count, arena);
                for (int i = 0; i < count; i++) problems.fill(concat.sources().get(i), sextant_tensor.asSlice(sources, i));
                var dst = problems.tensor(concat.dst(), arena);
                yield Native.create((op, error) -> sextant_h.sextant_concat_create(device.handle(), sources, count, dst, NONE, op, error));
            }
            case Node.Shortcut shortcut -> {
                var problem = sextant_shortcut.allocate(arena);
                problems.fill(shortcut.src(), sextant_shortcut.src(problem));
                problems.fill(shortcut.dst(), sextant_shortcut.dst(problem));
                sextant_shortcut.stride(problem, shortcut.stride());
                yield Native.create((op, error) -> sextant_h.sextant_shortcut_create(device.handle(), problem, NONE, op, error));
            }
            case Node.Reorder reorder -> reorder(problems.tensor(reorder.src(), arena), problems.tensor(reorder.dst(), arena));
            case Node.Flatten flatten ->
                reorder(problems.tensor(flatten.src(), arena), problems.unflattened(flatten.dst(), flatten.src(), arena));
            case Node.TrainingNorm _, Node.Dropout _ -> throw new IllegalStateException("lowering: " + node.name()
                + " belongs to training");
            case Node.Identity identity -> throw new IllegalStateException("lowering: " + identity.name()
                + " computes nothing, a pass should have dropped it");
        };
    }

    private MemorySegment conv(Node.Conv conv, Arena arena) {
        var problem = problems.conv(conv, conv.src(), conv.dst(), precision, arena);
        problems.tail(conv, problem);
        var weights = values(conv.weights(), arena);
        var bias = values(conv.bias(), arena);
        var scale = values(conv.pre() == null ? null : conv.pre().scale(), arena);
        var shift = values(conv.pre() == null ? null : conv.pre().shift(), arena);
        var implementation = tuning == null ? NONE : tuning.choose(problem, arena);
        return Native.create((op, error) ->
            sextant_h.sextant_conv2d_create(device.handle(), problem, weights, bias, scale, shift, implementation, op, error));
    }

    private MemorySegment pool(Node.Pool pool, Arena arena) {
        var problem = problems.pool(pool, arena);
        var scale = values(pool.pre() == null ? null : pool.pre().scale(), arena);
        var shift = values(pool.pre() == null ? null : pool.pre().shift(), arena);
        return Native.create((op, error) -> sextant_h.sextant_pool2d_create(device.handle(), problem, scale, shift, NONE, op, error));
    }

    private MemorySegment reorder(MemorySegment src, MemorySegment dst) {
        return Native.create((op, error) -> sextant_h.sextant_reorder_create(device.handle(), src, dst, NONE, op, error));
    }

    private MemorySegment values(Constant constant, Arena arena) {
        return constant == null ? NONE : constant.evaluate(parameters, arena);
    }

    /** Where the operands of {@code node} lie when it does the images from {@code image} on. */
    List<Place> places(Node node, int image) {
        var operands = new ArrayList<>(node.sources());
        operands.add(node.dst());
        return operands.stream().map(value -> problems.place(value, image)).toList();
    }
}
