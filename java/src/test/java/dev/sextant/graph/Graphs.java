// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.GoldenFormula;
import dev.sextant.Shape;
import dev.sextant.nn.Nn;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/** Small graphs, and the question whether two compute the same. */
public final class Graphs {
    /** Made from the key alone, as in the golden files. */
    public static final Parameters FORMULA = (parameter, arena) -> {
        var values = arena.allocate(parameter.shape().elements() * Float.BYTES, Float.BYTES);
        GoldenFormula.fill(parameter.key(), parameter.shape(), values);
        return values;
    };

    private Graphs() {}

    /** Without taps. */
    public static Graph graph(Nn network, int... input) {
        return Graph.of(network, Shape.of(input)).tapping(List.of());
    }

    /** What each node does, in order. */
    static List<String> texts(Graph graph) {
        return graph.nodes().stream().map(Node::text).toList();
    }

    static Node node(Graph graph, String name) {
        return graph.nodes().stream().filter(node -> node.name().equals(name)).reduce((first, last) -> last).orElseThrow();
    }

    public static double[] input(Shape shape) {
        var input = new double[(int) shape.elements()];
        for (int i = 0; i < input.length; i++) input[i] = (float) (2 * GoldenFormula.u("input", i));
        return input;
    }

    /** Fails unless {@code pass} leaves the results as they were, but for rounding; returns what it made. */
    static Graph preserving(Graph graph, Function<Graph, Graph> pass) {
        var passed = pass.apply(graph);
        var input = input(graph.input().shape());
        assertSame(Interpreter.run(graph, FORMULA, input), Interpreter.run(passed, FORMULA, input), () -> graph + "\n" + passed);
        return passed;
    }

    /** Fails unless both hold the same values under the same names, but for rounding. */
    public static void assertSame(Map<String, double[]> expected, Map<String, double[]> found, Supplier<String> where) {
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((name, values) -> {
            double error = distance(values, found.get(name));
            assertTrue(error < 1e-5, () -> "'" + name + "' parts by " + error + ": " + where.get());
        });
    }

    /** The largest difference, relative to the largest value expected; NaN and infinity never pass for near. */
    public static double distance(double[] expected, double[] found) {
        assertEquals(expected.length, found.length);
        double largest = 1e-30, difference = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            difference = Math.max(difference, Math.abs(expected[i] - found[i]));
            if (!Double.isFinite(found[i])) return Double.POSITIVE_INFINITY;
        }
        return difference / largest;
    }
}
