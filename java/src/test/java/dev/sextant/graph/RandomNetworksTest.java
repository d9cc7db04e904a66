// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.graph.Storage.Order;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each pass after the other leaves the results of networks as they were; what the plan of memory promises holds. */
class RandomNetworksTest {

    static IntStream seeds() {
        return IntStream.range(0, 60);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void passesPreserveResults(int seed) {
        var random = RandomNetwork.of(new Random(seed));
        for (var order : List.of(Order.NHWC, Order.NCHW8C, Order.NCHW16C)) {
            var graph = Graph.of(random.network(), random.input());
            if (seed % 3 != 0) graph = graph.tapping(List.of());
            var input = Graphs.input(random.input());
            var expected = Interpreter.run(graph, Graphs.FORMULA, input);
            for (var pass : Pass.inference(order, seed % 4 == 0 ? Long.MAX_VALUE : 1 << 10 + seed % 4 * 2)) {
                graph = pass.apply(graph);
                Graphs.assertSame(expected, Interpreter.run(graph, Graphs.FORMULA, input), () -> pass + " on " + random);
            }
            assertMemoryIsSound(graph);
        }
    }

    /** No value is written over memory that another alive at the time uses. */
    private static void assertMemoryIsSound(Graph graph) {
        record Life(Value value, long start, long end, int first, int last) {}
        var lives = new ArrayList<Life>();
        for (var value : graph.storage().offsets().keySet()) {
            var steps = IntStream.range(0, graph.nodes().size()).filter(i -> {
                var node = graph.nodes().get(i);
                return Stream.concat(node.sources().stream(), Stream.of(node.dst())).anyMatch(v -> graph.whole(v).equals(value));
            }).summaryStatistics();
            int first = steps.getMin(), last = steps.getMax();
            for (var segment : graph.segments()) {
                boolean inside = segment.first() <= first && last < segment.end();
                boolean touches = segment.first() <= last && first < segment.end();
                assertEquals(inside && graph.storage().segments().contains(segment), graph.images(value) == segment.images()
                    && touches && segment.images() < value.n(), () -> value + " in " + segment + " of\n" + graph);
                if (!touches || inside) continue;
                first = Math.min(first, segment.first());
                last = Math.max(last, segment.end() - 1);
            }
            long start = graph.storage().offsets().get(value);
            lives.add(new Life(value, start, start + graph.bytes(value), first, last));
        }
        for (var a : lives) {
            assertEquals(0, a.start % 64, () -> "alignment of " + a);
            assertTrue(a.end <= graph.storage().workspaceBytes(),
                () -> a + " ends beyond the workspace of " + graph.storage().workspaceBytes());
            for (var b : lives) {
                if (a.value.equals(b.value) || a.last < b.first || b.last < a.first) continue;
                assertTrue(a.end <= b.start || b.end <= a.start, () -> a + " and " + b + " overlap in\n" + graph);
            }
        }
        assertTrue(graph.storage().largestLiveBytes() <= graph.storage().workspaceBytes());
    }
}
