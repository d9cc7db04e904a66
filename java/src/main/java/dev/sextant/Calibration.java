// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.graph.ChooseLayouts;
import dev.sextant.graph.ConcatBySlices;
import dev.sextant.graph.Constant;
import dev.sextant.graph.Format;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Node;
import dev.sextant.graph.Pass;
import dev.sextant.graph.PlanMemory;
import dev.sextant.graph.Range;
import dev.sextant.graph.Ranges;
import dev.sextant.graph.Storage.Order;
import dev.sextant.graph.Value;
import dev.sextant.io.Int8;
import dev.sextant.io.Safetensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Finds the steps for {@link Precision#INT8}: runs pictures like those to come in float32, notes the smallest and largest number that
 * each layer gives, and writes a checkpoint of 8-bit weights with these ranges. For one user at a time.
 */
public final class Calibration implements AutoCloseable {
    /** Of the layouts on processors that run int8. */
    private static final Order ORDER = Order.NCHW16C;

    private final Model model;
    private final Plan plan;
    private final Predictor predictor;
    private final Map<String, Range> seen = new TreeMap<>();

    Calibration(Model model, Device device, int batch) {
        this.model = model;
        var order = device.info().order();
        var shape = model.network().input().prepend(batch);
        var graph = observable(model.trace(shape))
            .through(List.of(new ConcatBySlices(order), new ChooseLayouts(order), new PlanMemory()));
        plan = new Plan(device, graph, model.parameters(), Precision.FP32, null);
        try {
            predictor = new Predictor(plan, shape, plan::close);
        } catch (Throwable e) {
            plan.close();
            throw e;
        }
    }

    /** The graph as int8 runs it, each number that is rounded to steps of its own reported by its layer's name. */
    private static Graph observable(Graph traced) {
        var names = Ranges.names(traced);
        var fused = traced.tapping(List.of()).through(Pass.fusing());
        var taps = new LinkedHashMap<String, Value>();
        for (var node : fused.nodes()) {
            boolean computes = switch (node) {
                case Node.Conv _, Node.Linear _, Node.Lrn _, Node.BatchNorm _, Node.Eltwise _, Node.Pool _ -> true;
                case Node.Softmax _, Node.Concat _, Node.Shortcut _, Node.Flatten _, Node.Identity _, Node.Reorder _, Node.TrainingNorm _,
                    Node.Dropout _ -> false;
            };
            if (computes && names.containsKey(node.dst())) taps.put(names.get(node.dst()), node.dst());
        }
        return fused.reporting(taps);
    }

    /** How many images {@link #observe} expects. */
    public int batch() {
        return predictor.inputShape().dim(0);
    }

    /** Runs a batch and widens the ranges by what it gives. @throws IllegalArgumentException for another shape */
    public void observe(Tensor images) {
        predictor.predict(images);
        predictor.taps().forEach((name, tensor) -> seen.merge(name, range(tensor.toArray()), Range::and));
    }

    private static Range range(float[] values) {
        float min = 0, max = 0;
        for (float value : values) {
            min = Math.min(min, value);
            max = Math.max(max, value);
        }
        return new Range(min, max);
    }

    /** What was seen up to now. */
    public Ranges ranges() {
        return new Ranges(new TreeMap<>(seen));
    }

    /**
     * Writes a checkpoint that {@link Model#load} reads: batch norms folded where inference folds them, int8 weights with a scale for
     * each output channel where int8 multiplies them, float32 elsewhere; the ranges and the original's notes are its metadata.
     *
     * @throws IllegalStateException before anything was observed
     */
    public void write(Path file) throws IOException {
        if (seen.isEmpty()) throw new IllegalStateException("calibration: nothing has been observed yet");
        var traced = model.trace(model.network().input().prepend(1));
        var compiled = traced.tapping(List.of()).through(Pass.inference(ORDER, Long.MAX_VALUE, Format.BF16, ranges().on(traced)));
        try (var arena = Arena.ofConfined()) {
            var floats = new HashMap<String, Tensor>();
            var bytes = new HashMap<String, Int8>();
            for (var node : compiled.nodes()) {
                var weights = switch (node) {
                    case Node.Conv conv -> conv.weights();
                    case Node.Linear linear -> linear.weights();
                    default -> null;
                };
                var bias = switch (node) {
                    case Node.Conv conv -> conv.bias();
                    case Node.Linear linear -> linear.bias();
                    default -> null;
                };
                for (var constant : node.constants()) {
                    if (constant.equals(weights)) {
                        var key = weights.parameters().getFirst().key();
                        boolean narrow = compiled.layout(node.sources().getFirst()).format().kind() == Format.Kind.U8;
                        if (narrow) bytes.put(key, Int8.of(weights.shape(), weights.evaluate(model.parameters(), arena)));
                        else floats.put(key, tensor(weights, arena));
                    } else if (constant.equals(bias)) {
                        floats.put(node.name() + ".bias", tensor(bias, arena));
                    } else {
                        for (var parameter : constant.parameters()) floats.put(parameter.key(), tensor(parameter, arena));
                    }
                }
            }
            var metadata = new TreeMap<>(model.metadata());
            metadata.putAll(ranges().metadata());
            Safetensors.write(file, floats, bytes, metadata);
        }
    }

    private Tensor tensor(Constant constant, Arena arena) {
        return Tensor.of(constant.shape(), constant.evaluate(model.parameters(), arena));
    }

    @Override
    public void close() {
        predictor.close();
    }
}
