// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

/**
 * Gives each value its place in the workspace. A value lives from the node that first writes it to the node that last reads it, a
 * whole as long as any of its slices; values that live at different times share memory. What a segment shares with other nodes
 * lives as long as the whole segment, for its last images come after its first ones have gone through all its nodes. The largest is placed first, each into
 * the tightest gap that those living at the same time leave (Pisarchyk &amp; Lee, arXiv:2001.03288, sec. 5.2).
 */
public final class PlanMemory implements Pass {
    private static final long ALIGNMENT = 64;

    private static final class Block {
        final Value value;
        final long bytes;
        final int first;
        int last;
        long offset;

        Block(Value value, long bytes, int first) {
            this.value = value;
            this.bytes = bytes;
            this.first = first;
            this.last = first;
        }

        boolean livesWith(Block other) {
            return first <= other.last && other.first <= last;
        }
    }

    @Override
    public Graph apply(Graph graph) {
        return placed(graph, blocks(graph), graph.nodes().size());
    }

    /** Places what training's steps touch, {@code touched} in their order; {@code graph} knows where values lie within others. */
    static Graph apply(Graph graph, List<List<Value>> touched) {
        var callers = callers(graph);
        var blocks = new LinkedHashMap<Value, Block>();
        for (int step = 0; step < touched.size(); step++) {
            int now = step;
            for (var value : touched.get(step)) {
                var whole = graph.whole(value);
                if (callers.contains(whole)) continue;
                blocks.computeIfAbsent(whole, w -> new Block(w, aligned(graph.bytes(w)), now)).last = now;
            }
        }
        return placed(graph, List.copyOf(blocks.values()), touched.size());
    }

    private static Graph placed(Graph graph, List<Block> blocks, int steps) {
        var placed = new ArrayList<Block>();
        long workspace = 0;
        for (var block : blocks.stream().sorted(Comparator.comparingLong((Block b) -> -b.bytes).thenComparingInt(b -> b.first))
            .toList()) {
            block.offset = tightestGap(block,
                placed.stream().filter(block::livesWith).sorted(Comparator.comparingLong(b -> b.offset)).toList());
            placed.add(block);
            workspace = Math.max(workspace, block.offset + block.bytes);
        }
        long largest = 0;
        for (int step = 0; step < steps; step++) {
            int now = step;
            largest = Math.max(largest,
                blocks.stream().filter(b -> b.first <= now && now <= b.last).mapToLong(b -> b.bytes).sum());
        }
        var offsets = new HashMap<Value, Long>();
        for (var block : blocks) offsets.put(block.value, block.offset);
        return graph.with(graph.storage().withOffsets(offsets, workspace, largest));
    }

    /** Values whose memory is not ours. */
    private static Set<Value> callers(Graph graph) {
        var callers = new HashSet<>(graph.taps().values());
        callers.addAll(List.of(graph.input(), graph.output()));
        return callers;
    }

    private static List<Block> blocks(Graph graph) {
        var callers = callers(graph);
        var blocks = new LinkedHashMap<Value, Block>();
        for (var segment : graph.segments()) {
            for (int step = segment.first(); step < segment.end(); step++) {
                var node = graph.nodes().get(step);
                var touched = new ArrayList<>(node.sources());
                touched.add(node.dst());
                for (var value : touched) {
                    var whole = graph.whole(value);
                    if (callers.contains(whole)) continue;
                    boolean shared = graph.images(whole) > segment.images();
                    int first = shared ? segment.first() : step, last = shared ? segment.end() - 1 : step;
                    blocks.computeIfAbsent(whole, w -> new Block(w, aligned(graph.bytes(w)), first)).last = last;
                }
            }
        }
        return List.copyOf(blocks.values());
    }

    private static long tightestGap(Block block, List<Block> neighbours) {
        long end = 0, best = -1, tightest = Long.MAX_VALUE;
        for (var neighbour : neighbours) {
            long gap = neighbour.offset - end;
            if (gap >= block.bytes && gap < tightest) {
                best = end;
                tightest = gap;
            }
            end = Math.max(end, neighbour.offset + neighbour.bytes);
        }
        return best >= 0 ? best : end;
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
