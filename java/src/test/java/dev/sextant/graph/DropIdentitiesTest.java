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

class DropIdentitiesTest {
    private final DropIdentities pass = new DropIdentities();

    @Test
    void dropoutAndPlainBranchesVanish() {
        var before = graph(seq(dropout(0.5), relu(), identity(), add(identity(), tanh()), dropout(0.1)), 1, 2, 3, 3);
        assertEquals(List.of("relu", "tanh", "add"), texts(preserving(before, pass::apply)));
    }

    @Test
    void flatteningVanishesOnlyBeforeFullyConnectedLayers() {
        assertEquals(List.of("linear"),
            texts(preserving(graph(seq(flatten(), dropout(0.5), linear(3)), 2, 2, 3, 3), pass::apply)));
        assertEquals(List.of("flatten", "relu", "linear"),
            texts(preserving(graph(seq(flatten(), relu(), linear(3)), 2, 2, 3, 3), pass::apply)));
        assertEquals(List.of("flatten"), texts(preserving(graph(seq(flatten()), 2, 2, 3, 3), pass::apply)));
    }

    @Test
    void adaptivePoolingToTheSizeThatIsThereVanishes() {
        assertEquals(List.of("linear"), texts(preserving(graph(seq(adaptiveAvgPool(3, 4), linear(3)), 1, 2, 3, 4), pass::apply)));
    }

    @Test
    void tapsAndOutputFollow() {
        var before = Graph.of(seq(relu().as("relu"), dropout(0.5).as("dropout")), Shape.of(1, 2, 3, 3));
        var after = preserving(before, pass::apply);
        assertEquals(after.taps().get("relu"), after.taps().get("dropout"));
        assertEquals(after.output(), after.taps().get("relu"));
    }

    @Test
    void nodesThatNobodyReadsVanish() {
        var before = graph(seq(relu(), tanh()), 1, 2, 3, 3);
        var cut = new Graph(before.input(), before.nodes(), before.nodes().getFirst().dst(), before.taps(), before.storage());
        assertEquals(List.of("relu"), texts(preserving(cut, pass::apply)));
    }
}
