// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;
import dev.sextant.graph.Storage.Layout;
import dev.sextant.graph.Storage.Slice;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Writes down the backward pass of a graph whose layouts are chosen: reverse-mode differentiation, node by node from the last to
 * the first (Rumelhart, Hinton &amp; Williams, "Learning representations by back-propagating errors", Nature 323, 1986).
 *
 * <p>A value that several nodes read has the sum of their gradients: the first to come writes, the others add. Slices of a whole
 * share its gradient as they share its memory, so that a concatenation costs nothing here either; which channels of a whole have
 * been written is kept track of. Where the term of a sum is free to, it takes the gradient of the sum over, memory and all.
 */
final class Backward {
    private final Graph graph;
    private final List<Gradient> steps = new ArrayList<>();
    /** Wholes that depend on a parameter. */
    private final Set<Value> needed = new HashSet<>();
    /** The gradient of each whole, and of each slice. */
    private final Map<Value, Value> diffs = new HashMap<>();
    private final Map<Value, Slice> slices = new HashMap<>();
    /** Of each whole gradient: in which order, how wide a halo, the channels that hold something. */
    private final Map<Value, Layout> layouts = new HashMap<>();
    private final Map<Value, BitSet> written = new HashMap<>();
    private int id;

    Backward(Graph graph) {
        this.graph = graph;
        this.id = graph.nextId();
        for (var node : graph.nodes()) {
            if (!node.constants().isEmpty() || node.sources().stream().anyMatch(this::isNeeded)) needed.add(graph.whole(node.dst()));
        }
    }

    private boolean isNeeded(Value value) {
        return needed.contains(graph.whole(value));
    }

    /**
     * @param heads results of auxiliary heads by name, plain
     * @param weights of their losses, by the same names
     */
    TrainingGraph of(SequencedMap<String, Value> heads, SequencedMap<String, Double> weights) {
        loss("loss", graph.output(), 1);
        heads.forEach((name, logits) -> loss(name, logits, weights.get(name)));
        for (var node : graph.nodes().reversed()) {
            if (isNeeded(node.dst()) && !channels(node.dst()).isEmpty()) visit(node);
        }
        for (var step : steps) widenHalo(step);
        var all = new HashMap<>(graph.storage().slices());
        all.putAll(slices);
        var placed = new HashMap<>(graph.storage().layouts());
        placed.putAll(layouts);
        return new TrainingGraph(graph.with(graph.storage().withSlices(all).withLayouts(placed)), steps);
    }

    private void loss(String name, Value logits, double weight) {
        if (logits.h() != 1 || logits.w() != 1) {
            throw new IllegalArgumentException("training: expects logits at the end of a network, one for each class, found " + logits.shape());
        }
        into(name, logits, false, (diff, _) -> steps.add(new Gradient.Loss(name, logits, diff, weight)));
    }

    private void visit(Node node) {
        var diff = diff(node.dst());
        switch (node) {
            case Node.Conv conv -> {
                through(node.name(), conv.tail(), conv.dst(), diff);
                steps.add(new Gradient.Weights(conv, diff));
                into(conv, conv.src(), diff, true);
            }
            case Node.Linear linear -> {
                through(node.name(), linear.tail(), linear.dst(), diff);
                steps.add(new Gradient.Weights(linear, diff));
                into(linear, linear.src(), diff, true);
            }
            case Node.TrainingNorm norm -> {
                // The gradients of its parameters come with that of its source, wanted or not.
                if (isNeeded(norm.src())) into(norm, norm.src(), diff, true);
                else steps.add(new Gradient.Source(norm, diff, fresh(norm.src()), false));
                if (norm.residual() != null) handOver(norm.name(), norm.residual(), node.dst(), diff);
            }
            case Node.Pool pool -> into(pool, pool.src(), diff, true);
            case Node.Lrn lrn -> into(lrn, lrn.src(), diff, true);
            case Node.Shortcut shortcut -> into(shortcut, shortcut.src(), diff, true);
            case Node.Dropout dropout -> into(dropout, dropout.src(), diff, false);
            case Node.Flatten flatten -> into(flatten, flatten.src(), diff, false);
            case Node.Reorder reorder -> into(reorder, reorder.src(), diff, false);
            case Node.Eltwise eltwise -> {
                through(node.name(), eltwise.tail(), eltwise.dst(), diff);
                for (var term : eltwise.sources().reversed()) handOver(eltwise.name(), term, eltwise.dst(), diff);
            }
            case Node.Concat concat -> split(concat, diff);
            case Node.Softmax softmax -> throw new IllegalArgumentException("training: expects a network that ends in logits, "
                + softmax.name() + " is a softmax");
            case Node.BatchNorm _, Node.Identity _ -> throw new IllegalStateException("training: found " + node.text()
                + " of inference");
        }
    }

    /** In place: what flows into the function takes the place of what flows out of it. */
    private void through(String name, Function tail, Value dst, Value diff) {
        if (tail != Function.IDENTITY) steps.add(new Gradient.Through(name, tail, dst, diff, diff, false));
    }

    private void into(Node node, Value src, Value diff, boolean accumulates) {
        into(node.name(), src, accumulates, (target, accumulate) -> steps.add(new Gradient.Source(node, diff, target, accumulate)));
    }

    /** Adds an operation that writes the gradient {@code target}, or adds to it. */
    @FunctionalInterface
    private interface Writing {
        void to(Value target, boolean accumulate);
    }

    private void into(String name, Value value, boolean accumulates, Writing writing) {
        if (!isNeeded(value)) return;
        var target = diff(value);
        var range = range(value);
        int before = channels(value).cardinality();
        if (before == 0) {
            writing.to(target, false);
        } else if (before == range.cardinality() && accumulates) {
            writing.to(target, true);
        } else {
            var temporary = fresh(value);
            writing.to(temporary, false);
            addByRuns(name, temporary, target, value);
        }
        written.get(wholeDiff(value)).or(range);
    }

    /** What was written before is added to, the rest written: channels that are alike in this, together. */
    private void addByRuns(String name, Value from, Value to, Value value) {
        var before = written.get(wholeDiff(value));
        int first = graph.channel(value);
        for (int c = 0; c < value.c(); ) {
            boolean adds = before.get(first + c);
            int end = adds ? before.nextClearBit(first + c) : before.nextSetBit(first + c);
            end = end < 0 ? value.c() : Math.min(end - first, value.c());
            boolean isAll = c == 0 && end == value.c();
            steps.add(new Gradient.Through(name, Function.IDENTITY, null, isAll ? from : part(from, value, c, end),
                isAll ? to : part(to, value, c, end), adds));
            c = end;
        }
    }

    /** Channels {@code first} up to {@code end} of a gradient of {@code value}. */
    private Value part(Value diff, Value value, int first, int end) {
        var place = slices.getOrDefault(diff, new Slice(diff, 0));
        var shape = value.shape().rank() == 2 ? Shape.of(value.n(), end - first)
            : Shape.of(value.n(), end - first, value.h(), value.w());
        var part = new Value(id++, shape);
        slices.put(part, new Slice(place.whole(), place.channel() + first));
        return part;
    }

    /** The gradient of a sum is that of each term: the first that is free takes it over, for the others it is copied. */
    private void handOver(String name, Value term, Value sum, Value diff) {
        if (!isNeeded(term)) return;
        boolean isFree = !diffs.containsKey(graph.whole(term)) && graph.whole(term).equals(term) && !slices.containsKey(diff)
            && diffs.get(sum).equals(diff) && !isTaken(diff, sum) && graph.layout(term).isPlain() == layouts.get(diff).isPlain();
        if (isFree) {
            diffs.put(term, diff);
        } else {
            into(name, term, true, (target, accumulate) ->
                steps.add(new Gradient.Through(name, Function.IDENTITY, null, diff, target, accumulate)));
        }
    }

    /** Whether another value than {@code owner} has this gradient already. */
    private boolean isTaken(Value diff, Value owner) {
        return diffs.entrySet().stream().anyMatch(entry -> entry.getValue().equals(diff) && !entry.getKey().equals(owner));
    }

    private void split(Node.Concat concat, Value diff) {
        var parts = new ArrayList<Value>();
        var rest = new ArrayList<Runnable>();
        for (var source : concat.sources()) {
            if (isNeeded(source) && channels(source).isEmpty()) {
                parts.add(diff(source));
                written.get(wholeDiff(source)).or(range(source));
            } else {
                var temporary = fresh(source);
                parts.add(temporary);
                if (isNeeded(source)) {
                    rest.add(() -> into(concat.name(), source, true, (target, accumulate) ->
                        steps.add(new Gradient.Through(concat.name(), Function.IDENTITY, null, temporary, target, accumulate))));
                }
            }
        }
        steps.add(new Gradient.Split(concat.name(), diff, parts));
        rest.forEach(Runnable::run);
    }

    // ------------------------------------------------------------------------------------------ values

    private Value wholeDiff(Value value) {
        return diffs.computeIfAbsent(graph.whole(value), this::fresh);
    }

    private Value diff(Value value) {
        var whole = wholeDiff(value);
        if (graph.whole(value).equals(value)) return whole;
        return diffs.computeIfAbsent(value, v -> {
            var slice = new Value(id++, v.shape());
            slices.put(slice, new Slice(whole, graph.channel(v)));
            return slice;
        });
    }

    /** For a gradient of {@code like}, in the same layout and format. */
    private Value fresh(Value like) {
        var value = new Value(id++, like.shape());
        var layout = graph.layout(like);
        layouts.put(value, new Layout(layout.order(), 0, layout.format()));
        written.put(value, new BitSet());
        return value;
    }

    /** The channels of {@code value} within its whole. */
    private BitSet range(Value value) {
        var range = new BitSet();
        range.set(graph.channel(value), graph.channel(value) + value.c());
        return range;
    }

    /** Those of them whose gradient holds something. */
    private BitSet channels(Value value) {
        var channels = range(value);
        channels.and(written.get(wholeDiff(value)));
        return channels;
    }

    /** A convolution's backward pass is one over the gradient of its result. */
    private void widenHalo(Gradient step) {
        if (!(step instanceof Gradient.Source(Node.Conv conv, Value diffDst, Value _, boolean _))) return;
        var whole = slices.containsKey(diffDst) ? slices.get(diffDst).whole() : diffDst;
        var layout = layouts.get(whole);
        if (!layout.order().hasPlanes()) return;
        int reach = conv.window().reachBack(conv.src(), conv.dst());
        if (reach > layout.halo()) layouts.put(whole, new Layout(layout.order(), reach, layout.format()));
    }
}
