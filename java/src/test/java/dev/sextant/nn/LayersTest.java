// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayersTest {
    private final Nn body = seq(
        conv(4, 3).pad(1).noBias().as("conv1"),                                              // 4 x 8 x 8
        seq(batchNorm().as("bn"), relu(), add(seq(conv(4, 1), relu()), identity().as("skip"))).as(""),
        aux(seq(globalAvgPool(), linear(3).as("fc")), 0.3).as("head"),
        concat(maxPool(2, 2), conv(2, 2).stride(2).groups(2).as("down")).as("join"),          // 6 x 4 x 4
        linear(3));

    @Test
    void keysFollowNamesAndPositions() {
        assertEquals(List.of("conv1.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "2.0.0.weight", "2.0.0.bias",
            "head.fc.weight", "head.fc.bias", "join.down.weight", "join.down.bias", "4.weight", "4.bias"),
            Layers.of(body, Shape.of(3, 8, 8)).parameters().stream().map(Parameter::key).toList());
    }

    @Test
    void everyLayerAtItsPlace() {
        var layers = Layers.of(body, Shape.of(3, 8, 8)).all();
        assertEquals(List.of("conv1", "bn", "1", "2.0.0", "2.0.1", "2.skip", "2", "head.0", "head.fc", "join.0", "join.down", "join", "4"),
            layers.stream().map(Layer::path).toList());
        var joining = layers.get(11);
        assertEquals("concat", joining.type());
        assertEquals(Shape.of(4, 8, 8), joining.input());
        assertEquals(Shape.of(6, 4, 4), joining.output());
        var down = layers.get(10);
        assertEquals(Shape.of(2, 2, 2, 2), down.parameters().getFirst().shape());
        assertEquals(2 * (2 * 2 * 2) * 2 * 16, down.flops());
        assertEquals(18, down.trainable());
        assertEquals(8, layers.get(1).trainable());
        assertEquals(2 * 3 * 96, layers.getLast().flops());
    }

    @Test
    void headsBelongToTrainingOnly() {
        var training = Layers.of(body, Shape.of(3, 8, 8));
        var inference = Layers.inference(body, Shape.of(3, 8, 8));
        assertEquals(training.flops(), inference.flops());
        assertEquals(training.output(), inference.output());
        assertEquals(training.trainable(), inference.trainable() + 15);
        assertTrue(training.parameters().stream().allMatch(p -> p.optional() == p.key().startsWith("head.")));
        assertFalse(inference.all().stream().anyMatch(Layer::auxiliary));
    }

    @Test
    void stagesAreTheNamedChildrenOfTheOutermostSequence() {
        assertEquals(List.of("conv1", "bn", "join"), List.copyOf(Layers.of(body, Shape.of(3, 8, 8)).stages().keySet()));
        assertEquals(Shape.of(6, 4, 4), Layers.of(body, Shape.of(3, 8, 8)).stages().get("join"));
        assertTrue(Layers.of(relu().as("only"), Shape.of(3)).stages().isEmpty());
    }

    @Test
    void keysAreNotShared() {
        var twice = seq(conv(3, 1).as("same"), conv(3, 1).as("same"));
        assertEquals("same.weight: expects a name of its own, another layer has it already",
            assertThrows(IllegalArgumentException.class, () -> Layers.of(twice, Shape.of(3, 1, 1))).getMessage());
    }

    @Test
    void onlyStatisticsAreNotTrained() {
        for (var parameter : Layers.of(body, Shape.of(3, 8, 8)).parameters()) {
            assertEquals(!parameter.key().contains("running"), parameter.trainable(), parameter.key());
        }
    }
}
