// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.preserving;
import static dev.sextant.graph.Graphs.texts;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseActivationTest {
    private final FuseActivation pass = new FuseActivation();

    @Test
    void everyFunctionJoinsWhatIsBeforeIt() {
        assertEquals(List.of("conv 1x1 relu", "norm tanh", "linear sigmoid"), texts(preserving(
            graph(seq(conv(4, 1), relu(), batchNorm(), tanh(), linear(3), sigmoid()), 2, 3, 4, 4), pass::apply)));
        assertEquals(List.of("add relu"), texts(preserving(graph(seq(add(identity(), identity()), relu()), 1, 3, 4, 4),
            g -> pass.apply(new DropIdentities().apply(g)))));
    }

    @Test
    void oneFunctionOnly() {
        assertEquals(List.of("conv 1x1 tanh", "relu"),
            texts(preserving(graph(seq(conv(4, 1), tanh(), relu()), 1, 3, 4, 4), pass::apply)));
    }

    @Test
    void notWhereThePlainResultIsRead() {
        assertEquals(List.of("conv 1x1", "relu", "add"),
            texts(preserving(graph(seq(conv(4, 1), add(relu(), seq())), 1, 3, 4, 4), pass::apply)));
        assertEquals(List.of("conv 1x1", "relu"),
            texts(preserving(Graph.of(seq(conv(4, 1).as("a"), relu()), Shape.of(1, 3, 4, 4)), pass::apply)));
        assertEquals(List.of("max pool 2x2/2", "relu"),
            texts(preserving(graph(seq(maxPool(2, 2), relu()), 1, 3, 4, 4), pass::apply)));
    }
}
