// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Storage.Segment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;

/**
 * Lets a batch pass through the early layers a few images at a time, so that what one node writes is still in cache when the next
 * reads it, and needs memory for those images only. Every portion reads the segment's weights again: the segment is the stretch of
 * nodes in which the activations of a portion exceed the weights by the most. A batch that fits the cache stays whole; a portion
 * divides the batch, so that all are alike.
 *
 * @param cacheBytes that what is alive of a portion may take; one image may take more
 */
public record SubBatches(long cacheBytes) implements Pass {
    /** Of the cache that one thread has to itself and its share of what all have together. */
    private static final long BYTES_PER_THREAD = 8 << 20;
    /** Where a portion's blocked values have to begin. */
    private static final int LINE = 64;

    /** What {@code threads} threads may count on. */
    public static long cacheBytes(int threads) {
        return threads * BYTES_PER_THREAD;
    }

    @Override
    public Graph apply(Graph graph) {
        int batch = graph.input().n();
        long imageBytes = new PlanMemory().apply(graph).storage().largestLiveBytes() / batch;
        int images = batch;
        while (images > 1 && (batch % images != 0 || images * imageBytes > cacheBytes)) images--;
        if (images == batch) return graph;
        var segment = segment(graph, images);
        return segment.end() - segment.first() < 2 || !aligns(graph, segment) ? graph : cut(graph, segment);
    }

    /** The stretch with the largest sum (Bentley, Programming Pearls, column 8). */
    private static Segment segment(Graph graph, int images) {
        long sum = 0, largest = 0;
        int first = 0;
        var best = new Segment(0, 0, images);
        for (int i = 0; i < graph.nodes().size(); i++) {
            var node = graph.nodes().get(i);
            long weights = node.constants().stream().mapToLong(constant -> constant.shape().elements() * Float.BYTES).sum();
            long activations = touched(node).mapToLong(value -> graph.layout(value).imageBytes(value)).sum();
            sum += images * activations - weights;
            if (sum <= 0) {
                sum = 0;
                first = i + 1;
            } else if (sum > largest) {
                largest = sum;
                best = new Segment(first, i + 1, images);
            }
        }
        return best;
    }

    private static boolean aligns(Graph graph, Segment segment) {
        return graph.nodes().subList(segment.first(), segment.end()).stream().flatMap(SubBatches::touched).map(graph::whole)
            .allMatch(value -> graph.layout(value).isPlain() || segment.images() * graph.layout(value).imageBytes(value) % LINE == 0);
    }

    /** The graph with this segment, and memory for no more images of its inner values than it takes at a time. */
    private static Graph cut(Graph graph, Segment segment) {
        var outside = new HashSet<>(graph.taps().values());
        outside.addAll(List.of(graph.input(), graph.output()));
        for (int i = 0; i < graph.nodes().size(); i++) {
            if (i < segment.first() || i >= segment.end()) touched(graph.nodes().get(i)).map(graph::whole).forEach(outside::add);
        }
        var images = new HashMap<Value, Integer>();
        for (var node : graph.nodes().subList(segment.first(), segment.end())) {
            touched(node).map(graph::whole).filter(value -> !outside.contains(value))
                .forEach(value -> images.put(value, segment.images()));
        }
        return graph.with(graph.storage().withSegments(List.of(segment), images));
    }

    private static Stream<Value> touched(Node node) {
        return Stream.concat(node.sources().stream(), Stream.of(node.dst()));
    }
}
