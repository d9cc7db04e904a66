// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.preserving;
import static dev.sextant.graph.Graphs.texts;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class FoldBatchNormTest {
    private final FoldBatchNorm pass = new FoldBatchNorm();

    @Test
    void aNormBehindAConvolutionVanishes() {
        assertEquals(List.of("conv 3x3 pad 1"),
            texts(preserving(graph(seq(conv(4, 3).pad(1).noBias(), batchNorm()), 2, 3, 5, 5), pass::apply)));
        assertEquals(List.of("conv 1x1"),
            texts(preserving(graph(seq(conv(4, 1), batchNorm(), batchNorm(1e-3)), 1, 3, 5, 5), pass::apply)));
    }

    @Test
    void notBehindAFunctionNorWhereOthersReadTheConvolution() {
        assertEquals(List.of("conv 1x1", "relu", "norm"),
            texts(preserving(graph(seq(conv(4, 1), relu(), batchNorm()), 1, 3, 5, 5), pass::apply)));
        assertEquals(List.of("conv 1x1", "norm", "add"),
            texts(preserving(graph(seq(conv(4, 1), add(batchNorm(), seq())), 1, 3, 5, 5), pass::apply)));
        var tapped = Graph.of(seq(conv(4, 1).as("conv"), batchNorm()), Shape.of(1, 3, 5, 5));
        assertEquals(List.of("conv 1x1", "norm"), texts(preserving(tapped, pass::apply)));
    }

    /** Scaled in double and rounded once: what one would compute by hand. */
    @Test
    void weightsAndBiasAreScaledInDouble() {
        var conv = (Node.Conv) pass.apply(graph(seq(conv(2, 1).as("c"), batchNorm().as("n")), 1, 1, 1, 1)).nodes().getFirst();
        float w = 0.3f, b = 0.7f, gamma = 1.1f, beta = -0.2f, mean = 0.4f, variance = 2.3f;
        Parameters fixed = (parameter, arena) -> {
            float value = switch (parameter.key()) {
                case "c.weight" -> w;
                case "c.bias" -> b;
                case "n.weight" -> gamma;
                case "n.bias" -> beta;
                case "n.running_mean" -> mean;
                default -> variance;
            };
            return arena.allocateFrom(ValueLayout.JAVA_FLOAT, value, value);
        };
        double scale = gamma / Math.sqrt(variance + 1e-5);
        try (var arena = Arena.ofConfined()) {
            float expected = (float) (w * scale), shift = (float) (beta + ((double) b - mean) * scale);
            assertArrayEquals(new float[] {expected, expected},
                conv.weights().evaluate(fixed, arena).toArray(ValueLayout.JAVA_FLOAT));
            assertArrayEquals(new float[] {shift, shift}, conv.bias().evaluate(fixed, arena).toArray(ValueLayout.JAVA_FLOAT));
        }
        assertEquals(List.of("c.weight", "n.weight", "n.running_var", "c.bias", "n.bias", "n.running_mean"),
            List.copyOf(pass.apply(graph(seq(conv(2, 1).as("c"), batchNorm().as("n")), 1, 1, 1, 1)).parameters().keySet()));
    }
}
