// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Storage.Layout;
import dev.sextant.graph.Storage.Order;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Decides how each value lies in memory and inserts the copies that this takes. Pictures are in the device's order, if in planes
 * with as wide a halo as the widest padding among the convolutions that read them; features ({@code n f}), the input, the output and the taps are
 * plain. The first convolution reads an input of up to four channels as it is, where blocks would be mostly empty.
 *
 * <p>A copy has the format of its source; one of the caller's float32 for a node that works in another has that, or bfloat16 where
 * that has 8 bits.
 *
 * @param order of the device
 */
public record ChooseLayouts(Order order) implements Pass {
    private static final int PLAIN_CHANNELS = 4;

    @Override
    public Graph apply(Graph graph) {
        var plain = plainValues(graph);
        var formats = new HashMap<>(graph.storage().formats());
        var nodes = withCopies(graph, plain, formats);
        var halos = halos(graph, nodes, plain);
        nodes = withContiguousFeatures(graph, nodes, plain, halos, formats);

        int id = nextId(graph, nodes);
        var output = graph.output();
        if (!plain.contains(output) || output.equals(graph.input())) {
            output = new Value(id++, output.shape());
            nodes.add(new Node.Reorder("output", graph.output(), output));
            plain.add(output);
        }
        var taps = new LinkedHashMap<String, Value>();
        for (var tap : graph.taps().entrySet()) {
            var copy = new Value(id++, tap.getValue().shape());
            nodes.add(new Node.Reorder(tap.getKey(), tap.getValue(), copy));
            plain.add(copy);
            taps.put(tap.getKey(), copy);
        }

        var layouts = new HashMap<Value, Layout>();
        layouts.put(graph.input(), Layout.PLAIN);
        for (var node : nodes) {
            var whole = graph.whole(node.dst());
            var format = formats.getOrDefault(whole, Format.F32);
            layouts.put(whole, plain.contains(whole) ? Layout.plain(format) : new Layout(order, halos.getOrDefault(whole, 0), format));
            if (node instanceof Node.TrainingNorm norm) layouts.put(norm.saved(), Layout.PLAIN);
        }
        return new Graph(graph.input(), nodes, output, taps, graph.storage().withFormats(formats).withLayouts(layouts));
    }

    /** Values that are plain n c h w by nature. */
    private static Set<Value> plainValues(Graph graph) {
        var plain = new HashSet<Value>();
        plain.add(graph.input());
        for (var node : graph.nodes()) {
            if (node.dst().isFlat() || node instanceof Node.Softmax || node instanceof Node.Flatten) plain.add(node.dst());
        }
        return plain;
    }

    /** The nodes, each source in a layout that its node can read; one copy serves all who want the same. */
    private List<Node> withCopies(Graph graph, Set<Value> plain, Map<Value, Format> formats) {
        var nodes = new ArrayList<Node>();
        var copies = new HashMap<Value, Value>();
        int id = graph.nextId();
        for (var node : graph.nodes()) {
            var read = new HashMap<Value, Value>();
            for (var source : node.sources()) {
                if (reads(graph, node, source, plain)) continue;
                var copy = copies.get(source);
                if (copy == null) {
                    copy = new Value(id++, source.shape());
                    copies.put(source, copy);
                    formats.put(copy, copiedFor(node, source, graph));
                    nodes.add(new Node.Reorder(node.name(), source, copy));
                    if (!plain.contains(source)) plain.add(copy);
                }
                read.put(source, copy);
            }
            nodes.add(read.isEmpty() ? node : node.on(value -> read.getOrDefault(value, value)));
        }
        return nodes;
    }

    private static Format copiedFor(Node node, Value source, Graph graph) {
        Format from = graph.format(source), to = graph.format(node.dst());
        return !from.equals(Format.F32) ? from : to.kind() == Format.Kind.U8 ? Format.BF16 : to;
    }

    private static boolean reads(Graph graph, Node node, Value source, Set<Value> plain) {
        boolean isPlain = plain.contains(source);
        return switch (node) {
            case Node.Conv conv -> !isPlain || source.equals(graph.input()) && source.c() <= PLAIN_CHANNELS && conv.groups() == 1
                && conv.pre() == null && !source.equals(conv.residual());
            case Node.Pool _, Node.Lrn _, Node.Shortcut _ -> !isPlain;
            case Node.BatchNorm _, Node.TrainingNorm _, Node.Dropout _, Node.Eltwise _, Node.Concat _ -> isPlain == plain.contains(node.dst());
            case Node.Softmax _ -> isPlain;
            case Node.Linear _, Node.Flatten _, Node.Reorder _, Node.Identity _ -> true;
        };
    }

    /** Pixels of zeros that the convolutions want around what they read. */
    private Map<Value, Integer> halos(Graph graph, List<Node> nodes, Set<Value> plain) {
        var halos = new HashMap<Value, Integer>();
        if (!order.hasPlanes()) return halos;
        for (var node : nodes) {
            if (node instanceof Node.Conv conv && !plain.contains(conv.src())) {
                halos.merge(graph.whole(conv.src()), conv.window().reach(conv.src(), conv.dst()), Math::max);
            }
        }
        return halos;
    }

    /** A fully connected layer runs over its source in one go: what is a slice or has a halo is copied together first. */
    private static List<Node> withContiguousFeatures(Graph graph, List<Node> nodes, Set<Value> plain, Map<Value, Integer> halos,
            Map<Value, Format> formats) {
        var all = new ArrayList<Node>();
        int id = nextId(graph, nodes);
        for (var node : nodes) {
            if (node instanceof Node.Linear linear && !plain.contains(linear.src())
                && (!graph.whole(linear.src()).equals(linear.src()) || halos.getOrDefault(linear.src(), 0) > 0)) {
                var copy = new Value(id++, linear.src().shape());
                formats.put(copy, formats.getOrDefault(graph.whole(linear.src()), Format.F32));
                all.add(new Node.Reorder(linear.name(), linear.src(), copy));
                all.add(linear.on(value -> value.equals(linear.src()) ? copy : value));
            } else {
                all.add(node);
            }
        }
        return all;
    }

    private static int nextId(Graph graph, List<Node> nodes) {
        return graph.with(nodes).nextId();
    }
}
