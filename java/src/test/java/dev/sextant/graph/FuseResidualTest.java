// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import static dev.sextant.graph.Graphs.graph;
import static dev.sextant.graph.Graphs.preserving;
import static dev.sextant.graph.Graphs.texts;
import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class FuseResidualTest {
    private final FuseResidual pass = new FuseResidual();

    @Test
    void theConvolutionAddsTheOtherTerm() {
        assertEquals(List.of("relu", "conv 3x3 pad 1 + %1"),
            texts(preserving(graph(seq(relu(), add(conv(3, 3).pad(1), seq())), 1, 3, 4, 4), pass::apply)));
        assertEquals(List.of("relu", "conv 1x1", "conv 3x3 pad 1 + %2"),
            texts(preserving(graph(seq(relu(), add(conv(4, 1), conv(4, 3).pad(1))), 1, 3, 4, 4), pass::apply)),
                "the later of two");
    }

    /** The other term comes after the convolution in the description: option A's shortcut. */
    @Test
    void theConvolutionWaitsForTheOtherTerm() {
        assertEquals(List.of("shortcut /2", "conv 3x3/2 pad 1 + %2"),
            texts(preserving(graph(seq(add(conv(6, 3).stride(2).pad(1), shortcut(6, 2))), 1, 3, 4, 4), pass::apply)));
    }

    @Test
    void oneTermEach() {
        assertEquals(List.of("conv 1x1", "conv 1x1 + %1", "conv 1x1 + %4"),
            texts(preserving(graph(seq(add(conv(4, 1), conv(4, 1), conv(4, 1))), 1, 3, 4, 4), pass::apply)));
    }

    @Test
    void notWhereTheConvolutionIsReadElsewhereOrDoesMore() {
        assertEquals(List.of("conv 1x1", "relu", "add"),
            texts(preserving(graph(seq(add(seq(conv(3, 1), relu()), seq())), 1, 3, 4, 4), pass::apply)));
        assertEquals(List.of("conv 1x1", "relu", "add"),
            texts(preserving(graph(seq(conv(3, 1), add(seq(), relu())), 1, 3, 4, 4), pass::apply)));
        assertEquals(List.of("conv 1x1", "add"),
            texts(preserving(graph(seq(conv(3, 1), add(seq(), seq())), 1, 3, 4, 4), pass::apply)), "x + x");
    }

    /** ResNet's basic block in full: nothing but two convolutions remains. */
    @Test
    void aBasicBlockIsTwoConvolutions() {
        var block = seq(relu(), add(seq(conv(3, 3).pad(1).noBias(), batchNorm(), relu(), conv(3, 3).pad(1).noBias(), batchNorm()),
            identity()), relu());
        var passes = List.of(new DropIdentities(), new FoldBatchNorm(), pass, new FuseActivation());
        assertEquals(List.of("relu", "conv 3x3 pad 1 relu", "conv 3x3 pad 1 + %1 relu"),
            texts(preserving(graph(block, 2, 3, 5, 5), g -> g.through(passes))));
    }
}
