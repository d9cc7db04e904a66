// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;
import dev.sextant.graph.Constant.Parameter;
import dev.sextant.graph.Storage.Layout;
import dev.sextant.graph.Storage.Segment;
import dev.sextant.graph.Storage.Slice;
import dev.sextant.nn.Nn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/**
 * A network on one input shape, node after node in an order in which it can run. Immutable; each {@link Pass} makes a new one.
 *
 * @param taps values to report besides the output, by the name of their stage
 */
public record Graph(Value input, List<Node> nodes, Value output, SequencedMap<String, Value> taps, Storage storage) {

    public Graph {
        nodes = List.copyOf(nodes);
        taps = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(taps));
    }

    /** The graph of {@code network} in inference on a batch of shape {@code input}, n c h w; every stage is a tap. */
    public static Graph of(Nn network, Shape input) {
        return Trace.graph(network, input);
    }

    public Graph through(List<Pass> passes) {
        var graph = this;
        for (var pass : passes) graph = pass.apply(graph);
        return graph;
    }

    /** The same with only these taps. @throws IllegalArgumentException if the network has no stage of some name */
    public Graph tapping(List<String> names) {
        var chosen = new LinkedHashMap<String, Value>();
        for (var name : names) {
            var value = taps.get(name);
            if (value == null) {
                throw new IllegalArgumentException(
                    "taps: the network has no stage '" + name + "', its stages are " + taps.keySet());
            }
            chosen.put(name, value);
        }
        return reporting(chosen);
    }

    /** The same with these taps. */
    public Graph reporting(SequencedMap<String, Value> values) {
        return new Graph(input, nodes, output, values, storage);
    }

    /** Only the node at {@code index}, on values that lie where they did. @throws IllegalArgumentException if there are fewer */
    public Graph only(int index) {
        if (index >= nodes.size()) {
            throw new IllegalArgumentException("graph: has " + nodes.size() + " nodes, none at index " + index);
        }
        var segment = segments().stream().filter(s -> s.first() <= index && index < s.end()).findFirst().orElseThrow();
        return with(List.of(nodes.get(index))).with(storage.withSegments(List.of(new Segment(0, 1, segment.images())),
            storage.images()));
    }

    /** Every parameter its nodes read, in order, each once. */
    public SequencedMap<String, Parameter> parameters() {
        var found = new LinkedHashMap<String, Parameter>();
        for (var node : nodes) {
            for (var constant : node.constants()) {
                for (var parameter : constant.parameters()) found.putIfAbsent(parameter.key(), parameter);
            }
        }
        return found;
    }

    // ------------------------------------------------------------------------------------------ storage

    /** The value that owns the memory of {@code value}: itself unless it is a slice. */
    public Value whole(Value value) {
        var slice = storage.slices().get(value);
        return slice == null ? value : slice.whole();
    }

    /** The first channel of {@code value} within its {@link #whole}. */
    public int channel(Value value) {
        var slice = storage.slices().get(value);
        return slice == null ? 0 : slice.channel();
    }

    Format format(Value value) {
        return storage.formats().getOrDefault(whole(value), Format.F32);
    }

    public Layout layout(Value value) {
        return storage.layouts().get(whole(value));
    }

    /** How many images of {@code value} are in memory at a time. */
    public int images(Value value) {
        return storage.images().getOrDefault(whole(value), value.n());
    }

    /** Bytes of the memory of {@code whole}. */
    public long bytes(Value whole) {
        return images(whole) * layout(whole).imageBytes(whole);
    }

    /** All nodes, in order: the segments, and one for each node that takes all images at once. */
    public List<Segment> segments() {
        var all = new ArrayList<Segment>();
        int next = 0;
        for (var segment : storage.segments()) {
            for (; next < segment.first(); next++) all.add(new Segment(next, next + 1, input.n()));
            all.add(segment);
            next = segment.end();
        }
        for (; next < nodes.size(); next++) all.add(new Segment(next, next + 1, input.n()));
        return all;
    }

    // ------------------------------------------------------------------------------------------ what passes ask

    /** The nodes that read each value, one entry per operand. */
    Map<Value, List<Node>> uses() {
        var uses = new HashMap<Value, List<Node>>();
        for (var node : nodes) {
            for (var source : node.sources()) uses.computeIfAbsent(source, v -> new ArrayList<>()).add(node);
        }
        return uses;
    }

    /** Whether somebody outside reads it. */
    boolean isReported(Value value) {
        return value.equals(output) || taps.containsValue(value);
    }

    int nextId() {
        int last = Math.max(input.id(), output.id());
        for (var node : nodes) {
            for (var result : node.results()) last = Math.max(last, result.id());
        }
        for (var value : storage.slices().values()) last = Math.max(last, value.whole().id());
        return last + 1;
    }

    Graph with(List<Node> nodes) {
        return new Graph(input, nodes, output, taps, storage);
    }

    Graph with(Storage storage) {
        return new Graph(input, nodes, output, taps, storage);
    }

    /** Every value replaced by what {@code values} gives for it. */
    Graph on(UnaryOperator<Value> values) {
        var moved = new LinkedHashMap<String, Value>();
        taps.forEach((name, value) -> moved.put(name, values.apply(value)));
        return new Graph(values.apply(input), nodes.stream().map(node -> node.on(values)).toList(), values.apply(output), moved,
            storage);
    }

    /**
     * Offers each node together with the node that made its source, where nobody else reads that: what {@code merge} returns
     * stands for both, at the earlier one's position; null leaves both.
     */
    Graph mergingTails(BinaryOperator<Node> merge) {
        var uses = uses();
        var merged = new ArrayList<Node>();
        var positions = new HashMap<Value, Integer>();
        for (var node : nodes) {
            var source = node.sources().getFirst();
            var position = positions.get(source);
            boolean alone = position != null && uses.get(source).size() == 1 && !isReported(source);
            var both = alone ? merge.apply(merged.get(position), node) : null;
            if (both == null) {
                positions.put(node.dst(), merged.size());
                merged.add(node);
            } else {
                positions.put(node.dst(), position);
                merged.set(position, both);
            }
        }
        return with(merged);
    }

    // ------------------------------------------------------------------------------------------ text

    /** One line a node: {@code %3 = conv 3x3 pad 1 relu (%2) layer1.0.conv1: 1x64x56x56 nChw16c}. */
    @Override
    public String toString() {
        var text = new StringBuilder(input + " = input: " + describe(input) + "\n");
        for (int i = 0; i < nodes.size(); i++) {
            var node = nodes.get(i);
            int index = i;
            storage.segments().stream().filter(s -> s.first() == index).forEach(s ->
                text.append("the next ").append(s.end() - s.first()).append(" by ").append(s.images()).append(" images:\n"));
            var sources = node.sources().stream().map(Value::toString).toList();
            text.append(node.dst()).append(" = ").append(node.text()).append(" (").append(String.join(", ", sources)).append(") ")
                .append(node.name()).append(": ").append(describe(node.dst())).append('\n');
        }
        taps.forEach((name, value) -> text.append("tap ").append(name).append(": ").append(value).append('\n'));
        return text.append("output: ").append(output).append('\n').toString();
    }

    private String describe(Value value) {
        var text = new StringBuilder(value.shape().toString());
        Slice slice = storage.slices().get(value);
        if (slice != null) text.append(" = ").append(slice.whole()).append('[').append(slice.channel()).append("..]");
        if (layout(value) != null) text.append(' ').append(layout(value));
        var offset = storage.offsets().get(whole(value));
        if (offset != null) text.append(" @").append(offset);
        return text.toString();
    }
}
