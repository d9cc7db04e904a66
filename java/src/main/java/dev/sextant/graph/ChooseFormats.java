// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Node.PoolKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Stores what lies between input and output in another format: in 8 bits where the range is known, else in the one given. What comes
 * from or goes to the caller stays float32, and so does what a softmax reads and writes.
 *
 * <p>What only picks and moves numbers (a largest one, a slice, a shortcut) leaves them in the steps they have: source and result
 * share one format, for the union of their ranges. What is normalised as it is read is none of 8 bits: a norm stretches each channel by
 * its own factor, and steps made for the widest channel are too coarse for the narrowest.
 *
 * @param format where no range is known
 * @param ranges what each value holds
 */
public record ChooseFormats(Format format, Map<Value, Range> ranges) implements Pass {

    public ChooseFormats {
        ranges = Map.copyOf(ranges);
    }

    @Override
    public Graph apply(Graph graph) {
        var wide = wide(graph);
        var groups = groups(graph, wide);
        var normalised = normalised(graph);
        var formats = new HashMap<Value, Format>();
        for (var group : groups) {
            Range range = null;
            for (var value : group) {
                var found = ranges.get(value);
                if (found != null) range = range == null ? found : range.and(found);
            }
            boolean steps = range != null && group.stream().noneMatch(normalised::contains);
            var chosen = steps ? range.format() : format;
            for (var value : group) formats.put(graph.whole(value), chosen);
        }
        for (var value : wide) formats.put(value, Format.F32);
        return graph.with(graph.storage().withFormats(formats));
    }

    /** Wholes of float32. An output with a picture plane is copied for the caller in any case. */
    private static Set<Value> wide(Graph graph) {
        var wide = new HashSet<Value>();
        wide.add(graph.input());
        if (graph.output().isFlat()) wide.add(graph.whole(graph.output()));
        for (var node : graph.nodes()) {
            if (!(node instanceof Node.Softmax softmax)) continue;
            wide.add(graph.whole(softmax.src()));
            wide.add(graph.whole(softmax.dst()));
        }
        return wide;
    }

    /**
     * Those that a batch norm reads, by itself or on another node's load, with what norms and pools, whose kernels write the format that
     * they read, make of them.
     */
    private static Set<Value> normalised(Graph graph) {
        var normalised = new HashSet<Value>();
        for (var node : graph.nodes()) {
            boolean norm = switch (node) {
                case Node.BatchNorm _ -> true;
                case Node.Conv conv -> conv.pre() != null;
                case Node.Pool pool -> pool.pre() != null;
                default -> false;
            };
            if (norm) normalised.add(node.sources().getFirst());
            boolean keeps = node instanceof Node.BatchNorm || node instanceof Node.Pool;
            if (keeps && normalised.contains(node.sources().getFirst())) normalised.add(node.dst());
        }
        return normalised;
    }

    /** All that nodes write, but the wide ones, as sets that share a format. */
    private static Set<Set<Value>> groups(Graph graph, Set<Value> wide) {
        var groups = new HashMap<Value, Set<Value>>();
        for (var node : graph.nodes()) {
            var dst = graph.whole(node.dst());
            if (wide.contains(dst)) continue;
            var joined = new ArrayList<>(List.of(node.dst(), dst));
            if (keepsSteps(node)) joined.addAll(node.sources());
            var group = new HashSet<Value>();
            for (var value : joined) {
                if (wide.contains(graph.whole(value))) continue;
                group.addAll(groups.getOrDefault(value, Set.of(value)));
            }
            for (var value : group) groups.put(value, group);
        }
        var distinct = Collections.<Set<Value>>newSetFromMap(new IdentityHashMap<>());
        distinct.addAll(groups.values());
        return distinct;
    }

    private static boolean keepsSteps(Node node) {
        return switch (node) {
            case Node.Pool pool -> pool.kind() == PoolKind.MAX && pool.pre() == null;
            case Node.Concat _, Node.Shortcut _, Node.Flatten _, Node.Reorder _ -> true;
            default -> false;
        };
    }
}
