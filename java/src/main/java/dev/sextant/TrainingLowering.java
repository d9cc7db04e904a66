// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.Predictor.Step;
import dev.sextant.Problems.Place;
import dev.sextant.bindings.sextant_activation_backward;
import dev.sextant.bindings.sextant_batch_norm_backward;
import dev.sextant.bindings.sextant_batch_norm_forward;
import dev.sextant.bindings.sextant_cross_entropy;
import dev.sextant.bindings.sextant_dropout;
import dev.sextant.bindings.sextant_h;
import dev.sextant.bindings.sextant_linear;
import dev.sextant.bindings.sextant_lrn_backward;
import dev.sextant.bindings.sextant_op_info;
import dev.sextant.bindings.sextant_optimizer;
import dev.sextant.bindings.sextant_pool2d_backward;
import dev.sextant.bindings.sextant_shortcut;
import dev.sextant.bindings.sextant_tensor;
import dev.sextant.graph.Function;
import dev.sextant.graph.Gradient;
import dev.sextant.graph.Node;
import dev.sextant.graph.TrainingGraph;
import dev.sextant.graph.Value;
import dev.sextant.train.Optimizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Turns a planned training step into the steps of a native plan: forward, losses, backward, optimizer. */
final class TrainingLowering {
    /** The caller's buffers; buffer 0 is the workspace. */
    static final int IMAGES = Lowering.INPUT, LOGITS = Lowering.OUTPUT, TARGETS = 3, LOSSES = 4, PARAMETERS = 5, GRADIENTS = 6,
        STATISTICS = 7, STATE = 8, MOMENTS = 9, SECOND_MOMENTS = 10;

    private static final MemorySegment NONE = MemorySegment.NULL;
    private static final Place WHOLE_STATE = new Place(STATE, 0);

    private final Device device;
    private final TrainingGraph graph;
    private final Trainer.Options options;
    private final FlatParameters parameters, statistics;
    private final Problems problems;
    private final Lowering inference;
    private int losses;

    /** An operation and where its operands lie. */
    private record Operation(MemorySegment handle, List<Place> places, Step step) {}

    TrainingLowering(Device device, TrainingGraph graph, Trainer.Options options, FlatParameters parameters,
            FlatParameters statistics) {
        this.device = device;
        this.graph = graph;
        this.options = options;
        this.parameters = parameters;
        this.statistics = statistics;
        this.problems = new Problems(graph.forward(), Map.of(graph.forward().input(), IMAGES, graph.forward().output(), LOGITS));
        this.inference = new Lowering(device, graph.forward(), null, options.precision(), null);
    }

    /** Adds everything to {@code plan} and says what each step turned out to be. */
    List<Step> into(MemorySegment plan) {
        var steps = new ArrayList<Step>();
        try (var arena = Arena.ofConfined()) {
            for (var node : graph.forward().nodes()) add(plan, forward(node, arena), steps);
            for (var gradient : graph.backward()) add(plan, backward(gradient, arena), steps);
            add(plan, gradientNorm(), steps);
            add(plan, optimizer(arena), steps);
        }
        return List.copyOf(steps);
    }

    private static void add(MemorySegment plan, Operation operation, List<Step> steps) {
        try (var arena = Arena.ofConfined()) {
            var info = sextant_op_info.allocate(arena);
            Native.check(error -> sextant_h.sextant_op_get_info(operation.handle, info, error));
            var places = Place.array(operation.places, arena);
            int count = operation.places.size();
            Native.check(error -> sextant_h.sextant_plan_add(plan, operation.handle, places, count, error));
            var step = operation.step;
            steps.add(new Step(step.name(), step.operation(), sextant_op_info.implementation(info).getString(0), step.output(),
                sextant_op_info.flops(info), step.weightBytes(), step.bytes()));
        } finally {
            sextant_h.sextant_op_destroy(operation.handle);
        }
    }

    // ------------------------------------------------------------------------------------------ forward

    private Operation forward(Node node, Arena arena) {
        var places = new ArrayList<Place>();
        var handle = switch (node) {
            case Node.Conv conv -> {
                var problem = problems.conv(conv, conv.src(), conv.dst(), options.precision(), arena);
                problems.tail(conv, problem);
                places.add(place(conv.src()));
                places.add(parameters.place(conv.weights(), PARAMETERS));
                if (conv.bias() != null) places.add(parameters.place(conv.bias(), PARAMETERS));
                if (conv.residual() != null) places.add(place(conv.residual()));
                yield Native.create((op, error) -> sextant_h.sextant_conv2d_forward_create(device.handle(), problem,
                    flag(conv.bias() != null), NONE, op, error));
            }
            case Node.Linear linear -> {
                var problem = linear(linear.src(), linear.dst(), linear.tail(), arena);
                places.add(place(linear.src()));
                places.add(parameters.place(linear.weights(), PARAMETERS));
                if (linear.bias() != null) places.add(parameters.place(linear.bias(), PARAMETERS));
                yield Native.create((op, error) -> sextant_h.sextant_linear_forward_create(device.handle(), problem,
                    flag(linear.bias() != null), NONE, op, error));
            }
            case Node.TrainingNorm norm -> {
                var problem = sextant_batch_norm_forward.allocate(arena);
                fill(norm, problem);
                places.add(place(norm.src()));
                if (norm.residual() != null) places.add(place(norm.residual()));
                places.add(parameters.place(norm.norm().gamma(), PARAMETERS));
                places.add(parameters.place(norm.norm().beta(), PARAMETERS));
                places.add(statistics.place(norm.norm().mean(), STATISTICS));
                places.add(statistics.place(norm.norm().variance(), STATISTICS));
                places.add(place(norm.saved()));
                yield Native.create((op, error) ->
                    sextant_h.sextant_batch_norm_forward_create(device.handle(), problem, NONE, op, error));
            }
            case Node.Dropout dropout -> {
                places.add(place(dropout.src()));
                places.add(WHOLE_STATE);
                yield dropout(dropout, dropout.src(), dropout.dst(), arena);
            }
            default -> {
                for (var source : node.sources()) places.add(place(source));
                yield inference.operation(node, arena);
            }
        };
        places.add(place(node.dst()));
        var values = new ArrayList<>(node.sources());
        values.addAll(node.results());
        return new Operation(handle, places, step(node.name(), node.text(), node.dst(), values));
    }

    private void fill(Node.TrainingNorm norm, MemorySegment problem) {
        problems.fill(norm.src(), sextant_batch_norm_forward.src(problem));
        problems.fill(norm.dst(), sextant_batch_norm_forward.dst(problem));
        sextant_batch_norm_forward.activation(problem, norm.tail().ordinal());
        sextant_batch_norm_forward.has_residual(problem, flag(norm.residual() != null));
        if (norm.residual() != null) problems.fill(norm.residual(), sextant_batch_norm_forward.residual(problem));
        sextant_batch_norm_forward.eps(problem, (float) norm.norm().eps());
        sextant_batch_norm_forward.momentum(problem, (float) norm.momentum());
    }

    private MemorySegment linear(Value src, Value dst, Function tail, Arena arena) {
        var problem = sextant_linear.allocate(arena);
        problems.fill(src, sextant_linear.src(problem));
        problems.fill(dst, sextant_linear.dst(problem));
        sextant_linear.activation(problem, tail.ordinal());
        return problem;
    }

    private MemorySegment dropout(Node.Dropout dropout, Value src, Value dst, Arena arena) {
        var problem = sextant_dropout.allocate(arena);
        problems.fill(src, sextant_dropout.src(problem));
        problems.fill(dst, sextant_dropout.dst(problem));
        sextant_dropout.probability(problem, (float) dropout.rate());
        sextant_dropout.stream(problem, dropout.stream());
        return Native.create((op, error) -> sextant_h.sextant_dropout_create(device.handle(), problem, NONE, op, error));
    }

    // ------------------------------------------------------------------------------------------ backward

    private Operation backward(Gradient gradient, Arena arena) {
        var places = new ArrayList<Place>();
        var handle = switch (gradient) {
            case Gradient.Loss loss -> {
                var problem = sextant_cross_entropy.allocate(arena);
                problems.fill(loss.logits(), sextant_cross_entropy.src(problem));
                sextant_cross_entropy.smoothing(problem, (float) options.smoothing());
                sextant_cross_entropy.weight(problem, (float) loss.weight());
                places.add(place(loss.logits()));
                places.add(new Place(TARGETS, 0));
                places.add(new Place(LOSSES, (long) losses++ * loss.logits().n() * Float.BYTES));
                places.add(place(loss.diff()));
                yield Native.create((op, error) -> sextant_h.sextant_cross_entropy_create(device.handle(), problem, NONE, op, error));
            }
            case Gradient.Weights weights -> weights(weights, places, arena);
            case Gradient.Source source -> source(source, places, arena);
            case Gradient.Through through -> {
                var problem = sextant_activation_backward.allocate(arena);
                var dst = through.dst() == null ? through.diffDst() : through.dst();
                problems.fill(dst, sextant_activation_backward.dst(problem));
                problems.fill(through.diffDst(), sextant_activation_backward.diff_dst(problem));
                problems.fill(through.diffSrc(), sextant_activation_backward.diff_src(problem));
                sextant_activation_backward.activation(problem, through.function().ordinal());
                sextant_activation_backward.accumulate(problem, flag(through.accumulate()));
                for (var value : through.values()) places.add(place(value));
                yield Native.create((op, error) ->
                    sextant_h.sextant_activation_backward_create(device.handle(), problem, NONE, op, error));
            }
            case Gradient.Split split -> {
                int count = split.parts().size();
                var src = problems.tensor(split.diffDst(), arena);
                var parts = sextant_tensor.allocateArray(count, arena);
                for (int i = 0; i < count; i++) problems.fill(split.parts().get(i), sextant_tensor.asSlice(parts, i));
                for (var value : split.values()) places.add(place(value));
                yield Native.create((op, error) -> sextant_h.sextant_split_create(device.handle(), src, parts, count, NONE, op, error));
            }
        };
        var result = gradient.writes().isEmpty() ? ((Gradient.Weights) gradient).diffDst() : gradient.writes().getLast();
        return new Operation(handle, places, step(gradient.name(), gradient.text(), result, gradient.values()));
    }

    private MemorySegment weights(Gradient.Weights weights, List<Place> places, Arena arena) {
        for (var value : weights.reads()) places.add(place(value));
        return switch (weights.node()) {
            case Node.Conv conv -> {
                var problem = problems.conv(conv, conv.src(), weights.diffDst(), options.precision(), arena);
                if (conv.bias() != null) places.add(parameters.place(conv.bias(), GRADIENTS));
                places.add(parameters.place(conv.weights(), GRADIENTS));
                yield Native.create((op, error) -> sextant_h.sextant_conv2d_backward_weights_create(device.handle(), problem,
                    flag(conv.bias() != null), NONE, op, error));
            }
            case Node.Linear linear -> {
                var problem = linear(linear.src(), weights.diffDst(), Function.IDENTITY, arena);
                if (linear.bias() != null) places.add(parameters.place(linear.bias(), GRADIENTS));
                places.add(parameters.place(linear.weights(), GRADIENTS));
                yield Native.create((op, error) -> sextant_h.sextant_linear_backward_weights_create(device.handle(), problem,
                    flag(linear.bias() != null), NONE, op, error));
            }
            default -> throw new IllegalStateException("training: " + weights.name() + " has no weights");
        };
    }

    private MemorySegment source(Gradient.Source source, List<Place> places, Arena arena) {
        int accumulate = flag(source.accumulate());
        var diffDst = source.diffDst();
        var diffSrc = source.diffSrc();
        return switch (source.node()) {
            case Node.Conv conv -> {
                var problem = problems.conv(conv, diffSrc, diffDst, options.precision(), arena);
                places.addAll(List.of(place(diffDst), parameters.place(conv.weights(), PARAMETERS), place(diffSrc)));
                yield Native.create((op, error) ->
                    sextant_h.sextant_conv2d_backward_data_create(device.handle(), problem, accumulate, NONE, op, error));
            }
            case Node.Linear linear -> {
                var problem = linear(diffSrc, diffDst, Function.IDENTITY, arena);
                places.addAll(List.of(place(diffDst), parameters.place(linear.weights(), PARAMETERS), place(diffSrc)));
                yield Native.create((op, error) ->
                    sextant_h.sextant_linear_backward_data_create(device.handle(), problem, accumulate, NONE, op, error));
            }
            case Node.TrainingNorm norm -> {
                var problem = sextant_batch_norm_backward.allocate(arena);
                fill(norm, sextant_batch_norm_backward.forward(problem));
                problems.fill(diffDst, sextant_batch_norm_backward.diff_dst(problem));
                problems.fill(diffSrc, sextant_batch_norm_backward.diff_src(problem));
                problems.fill(diffDst, sextant_batch_norm_backward.diff_residual(problem));
                sextant_batch_norm_backward.accumulate(problem, accumulate);
                places.add(place(norm.src()));
                if (norm.tail() != Function.IDENTITY) places.add(place(norm.dst()));
                places.addAll(List.of(place(diffDst), parameters.place(norm.norm().gamma(), PARAMETERS), place(norm.saved()),
                    parameters.place(norm.norm().gamma(), GRADIENTS), parameters.place(norm.norm().beta(), GRADIENTS)));
                if (norm.residual() != null) places.add(place(diffDst));
                places.add(place(diffSrc));
                yield Native.create((op, error) ->
                    sextant_h.sextant_batch_norm_backward_create(device.handle(), problem, NONE, op, error));
            }
            case Node.Pool pool -> {
                var problem = sextant_pool2d_backward.allocate(arena);
                problems.fill(pool, sextant_pool2d_backward.forward(problem));
                problems.fill(diffDst, sextant_pool2d_backward.diff_dst(problem));
                problems.fill(diffSrc, sextant_pool2d_backward.diff_src(problem));
                sextant_pool2d_backward.accumulate(problem, accumulate);
                for (var value : source.values()) places.add(place(value));
                yield Native.create((op, error) -> sextant_h.sextant_pool2d_backward_create(device.handle(), problem, NONE, op, error));
            }
            case Node.Lrn lrn -> {
                var problem = sextant_lrn_backward.allocate(arena);
                problems.fill(lrn, sextant_lrn_backward.forward(problem));
                problems.fill(diffDst, sextant_lrn_backward.diff_dst(problem));
                problems.fill(diffSrc, sextant_lrn_backward.diff_src(problem));
                sextant_lrn_backward.accumulate(problem, accumulate);
                for (var value : source.values()) places.add(place(value));
                yield Native.create((op, error) -> sextant_h.sextant_lrn_backward_create(device.handle(), problem, NONE, op, error));
            }
            case Node.Shortcut shortcut -> {
                var problem = sextant_shortcut.allocate(arena);
                problems.fill(diffSrc, sextant_shortcut.src(problem));
                problems.fill(diffDst, sextant_shortcut.dst(problem));
                sextant_shortcut.stride(problem, shortcut.stride());
                places.addAll(List.of(place(diffDst), place(diffSrc)));
                yield Native.create((op, error) ->
                    sextant_h.sextant_shortcut_backward_create(device.handle(), problem, accumulate, NONE, op, error));
            }
            case Node.Dropout dropout -> {
                places.addAll(List.of(place(diffDst), WHOLE_STATE, place(diffSrc)));
                yield dropout(dropout, diffDst, diffSrc, arena);
            }
            case Node.Flatten flatten -> {
                places.addAll(List.of(place(diffDst), place(diffSrc)));
                yield reorder(problems.unflattened(diffDst, flatten.src(), arena), problems.tensor(diffSrc, arena));
            }
            case Node.Reorder _ -> {
                places.addAll(List.of(place(diffDst), place(diffSrc)));
                yield reorder(problems.tensor(diffDst, arena), problems.tensor(diffSrc, arena));
            }
            default -> throw new IllegalStateException("training: " + source.text() + " has no kernel");
        };
    }

    private MemorySegment reorder(MemorySegment src, MemorySegment dst) {
        return Native.create((op, error) -> sextant_h.sextant_reorder_create(device.handle(), src, dst, NONE, op, error));
    }

    // ------------------------------------------------------------------------------------------ optimizer

    private Operation gradientNorm() {
        var handle = Native.create((op, error) ->
            sextant_h.sextant_gradient_norm_create(device.handle(), parameters.count(), NONE, op, error));
        return new Operation(handle, List.of(new Place(GRADIENTS, 0), WHOLE_STATE), over("gradient norm", 1));
    }

    private Operation optimizer(Arena arena) {
        var problem = sextant_optimizer.allocate(arena);
        sextant_optimizer.count(problem, parameters.count());
        var places = new ArrayList<>(List.of(new Place(GRADIENTS, 0), WHOLE_STATE));
        var optimizer = options.optimizer();
        sextant_optimizer.weight_decay(problem, (float) optimizer.weightDecay());
        sextant_optimizer.largest_norm(problem, (float) optimizer.largestNorm());
        switch (optimizer) {
            case Optimizer.Sgd sgd -> {
                sextant_optimizer.kind(problem, sextant_h.SEXTANT_SGD());
                sextant_optimizer.momentum(problem, (float) sgd.momentum());
                sextant_optimizer.nesterov(problem, flag(sgd.nesterov()));
            }
            case Optimizer.AdamW adam -> {
                sextant_optimizer.kind(problem, sextant_h.SEXTANT_ADAMW());
                sextant_optimizer.momentum(problem, (float) adam.beta1());
                sextant_optimizer.beta2(problem, (float) adam.beta2());
                sextant_optimizer.eps(problem, (float) adam.eps());
                places.add(new Place(SECOND_MOMENTS, 0));
            }
        }
        places.add(new Place(MOMENTS, 0));
        places.add(new Place(PARAMETERS, 0));
        var undecayed = optimizer.decayAll() ? new long[0] : parameters.vectors();
        var ranges = undecayed.length == 0 ? NONE : arena.allocateFrom(ValueLayout.JAVA_LONG, undecayed);
        var handle = Native.create((op, error) -> sextant_h.sextant_optimizer_create(device.handle(), problem, ranges,
            undecayed.length / 2, NONE, op, error));
        return new Operation(handle, places, over(optimizer.toString(), places.size() + 1));
    }

    // ------------------------------------------------------------------------------------------ in common

    private Place place(Value value) {
        return problems.place(value, 0);
    }

    private Step step(String name, String text, Value result, List<Value> values) {
        return new Step(name, text, "", result.shape(), 0, 0, values.stream().mapToLong(problems::bytes).sum());
    }

    /** A step over all parameters, each read or written so many times. */
    private Step over(String text, int times) {
        long count = parameters.count();
        return new Step("parameters", text, "", Shape.of(Math.toIntExact(count)), 0, 0, times * count * Float.BYTES);
    }

    private static int flag(boolean is) {
        return is ? 1 : 0;
    }
}
