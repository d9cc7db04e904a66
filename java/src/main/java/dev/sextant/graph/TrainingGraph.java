// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;
import dev.sextant.graph.Constant.Parameter;
import dev.sextant.graph.Storage.Order;
import dev.sextant.nn.Nn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * A training step on one input shape, planned: the nodes of the forward pass, then the losses and the backward pass.
 *
 * @param forward its storage also holds the values of the backward pass
 * @param backward in the order in which they run, the losses first: the network's own, then those of auxiliary heads
 */
public record TrainingGraph(Graph forward, List<Gradient> backward) {

    public TrainingGraph {
        backward = List.copyOf(backward);
    }

    /**
     * What a step computes on the way forward, before any pass.
     *
     * @param graph its taps are the results of auxiliary heads
     * @param weights of the heads' losses, by the names of those taps
     */
    public record Description(Graph graph, SequencedMap<String, Double> weights) {}

    /** @param input of a batch, n c h w */
    public static Description describe(Nn network, Shape input) {
        return Trace.training(network, input);
    }

    /**
     * @param input of a batch, n c h w
     * @param order of the device
     * @param format of pictures and their gradients
     * @throws IllegalArgumentException if the network cannot take that input, or ends in something other than logits
     */
    public static TrainingGraph of(Nn network, Shape input, Order order, Format format) {
        var trace = Trace.training(network, input);
        var graph = trace.graph().through(List.of(new DropIdentities(), new FlattenFeatures(), new FuseNormResidual(),
            new FuseActivation(), new ConcatBySlices(order)));
        if (!format.equals(Format.F32)) graph = new PictureFormat(format).apply(graph);
        graph = new ChooseLayouts(order).apply(graph);
        var heads = graph.taps();
        var planned = new Backward(graph.reporting(new LinkedHashMap<>())).of(heads, trace.weights());
        var touched = new ArrayList<List<Value>>();
        for (var node : planned.forward.nodes()) {
            var values = new ArrayList<>(node.sources());
            values.addAll(node.results());
            touched.add(values);
        }
        for (var gradient : planned.backward) touched.add(gradient.values());
        return new TrainingGraph(PlanMemory.apply(planned.forward, touched), planned.backward);
    }

    /** Of float32 throughout. */
    public static TrainingGraph of(Nn network, Shape input, Order order) {
        return of(network, input, order, Format.F32);
    }

    /** What training adjusts by its gradient, in the order of the layers. */
    public SequencedMap<String, Parameter> parameters() {
        return constants(false);
    }

    /** The running statistics of batch norms. */
    public SequencedMap<String, Parameter> statistics() {
        return constants(true);
    }

    private SequencedMap<String, Parameter> constants(boolean statistics) {
        var found = new LinkedHashMap<String, Parameter>();
        for (var node : forward.nodes()) {
            for (var constant : node.constants()) {
                boolean follows = node instanceof Node.TrainingNorm norm
                    && (constant.equals(norm.norm().mean()) || constant.equals(norm.norm().variance()));
                if (follows != statistics) continue;
                for (var parameter : constant.parameters()) found.putIfAbsent(parameter.key(), parameter);
            }
        }
        return Collections.unmodifiableSequencedMap(found);
    }

    /** The losses, each with a place of its own among the results. */
    public List<Gradient.Loss> losses() {
        return backward.stream().filter(Gradient.Loss.class::isInstance).map(Gradient.Loss.class::cast).toList();
    }

    /** One line a step. */
    @Override
    public String toString() {
        var text = new StringBuilder(forward.toString());
        for (var gradient : backward) {
            text.append(gradient.writes()).append(" = ").append(gradient.text()).append(' ').append(gradient.reads()).append(' ')
                .append(gradient.name()).append('\n');
        }
        return text.toString();
    }
}
