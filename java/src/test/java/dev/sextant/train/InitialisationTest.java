// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.sextant.models.Networks;
import java.util.ArrayList;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class InitialisationTest {
    private static final float[] FIRST = {0.011479986f, 0.30511075f, 0.06336386f};

    @Test
    void chosenByTheActivation() {
        assertEquals(Initialisation.LECUN, Initialisation.of(Networks.named("lenet5")));
        assertEquals(Initialisation.HE, Initialisation.of(Networks.named("lenet5_relu")));
        assertEquals(Initialisation.HE, Initialisation.of(Networks.named("resnet20")));
    }

    @Test
    void allParametersInOrder() {
        var network = Networks.named("googlenet");
        var tensors = Initialisation.HE.parameters(network, 1);
        assertEquals(network.parameters().stream().map(parameter -> parameter.key()).toList(), new ArrayList<>(tensors.keySet()));
        for (var parameter : network.parameters()) {
            var tensor = tensors.get(parameter.key());
            assertEquals(parameter.shape(), tensor.shape());
            float first = tensor.get(0);
            switch (parameter.kind()) {
                case GAMMA, VARIANCE -> assertEquals(1, first);
                case BETA, MEAN, BIAS -> assertEquals(0, first);
                case WEIGHT -> assertNotEquals(0, first);
            }
        }
    }

    @Test
    void sameSeedSameBits() {
        var network = Networks.named("resnet20");
        assertEquals(Initialisation.HE.parameters(network, 7), Initialisation.HE.parameters(network, 7));
        var key = "layer3.0.conv1.weight";
        assertNotEquals(Initialisation.HE.parameters(network, 7).get(key), Initialisation.HE.parameters(network, 8).get(key));
        // A layer's numbers depend on its own key: other layers may come and go.
        var deeper = Initialisation.HE.parameters(Networks.named("resnet32"), 7);
        assertEquals(deeper.get(key), Initialisation.HE.parameters(network, 7).get(key));
        assertNotEquals(deeper.get("layer3.1.conv1.weight"), deeper.get("layer3.2.conv1.weight"));
    }

    @Test
    void theStreamsStayWhatTheyAre() {
        var weights = Initialisation.LECUN.parameters(Networks.named("lenet5"), 1).get("conv1.weight").toArray();
        assertArrayEquals(FIRST, Arrays.copyOf(weights, FIRST.length), "other random numbers change every recorded training");
    }

    @Test
    void deviationsAreThePapers() {
        // layer3: 64 to 64 channels, 3x3, before a norm: 2 / fan_out. fc: the last, 64 inputs: 1 / fan_in.
        var resnet = Initialisation.HE.parameters(Networks.named("resnet20"), 1);
        close(Math.sqrt(2.0 / (64 * 9)), resnet.get("layer3.1.conv1.weight").toArray());
        close(Math.sqrt(2.0 / (16 * 9)), resnet.get("conv1.weight").toArray());
        close(Math.sqrt(1.0 / 64), resnet.get("linear.weight").toArray());
        // fc1: 400 inputs, 120 outputs.
        var lenet = Networks.named("lenet5");
        close(Math.sqrt(1.0 / 400), Initialisation.LECUN.parameters(lenet, 1).get("fc1.weight").toArray());
        close(Math.sqrt(2.0 / 520), Initialisation.XAVIER.parameters(lenet, 1).get("fc1.weight").toArray());
        var googlenet = Initialisation.HE.parameters(Networks.named("googlenet"), 1);
        close(Math.sqrt(1.0 / 1024), googlenet.get("aux1.fc2.weight").toArray());
        close(Math.sqrt(2.0 / 2048), googlenet.get("aux1.fc1.weight").toArray());
        close(Math.sqrt(1.0 / 1024), googlenet.get("fc.weight").toArray());
    }

    /** Within five times what chance does to the deviation of so many numbers; their mean likewise. */
    private static void close(double deviation, float[] values) {
        double sum = 0, squares = 0;
        for (float value : values) {
            sum += value;
            squares += (double) value * value;
        }
        double n = values.length;
        assertEquals(deviation, Math.sqrt(squares / n), 5 * deviation / Math.sqrt(2 * n));
        assertEquals(0, sum / n, 5 * deviation / Math.sqrt(n));
    }
}
