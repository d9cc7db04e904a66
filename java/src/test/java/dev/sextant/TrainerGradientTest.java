// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.graph.Constant.Parameter;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Interpreter;
import dev.sextant.graph.Parameters;
import dev.sextant.graph.RandomNetwork;
import dev.sextant.graph.TrainingGraph;
import dev.sextant.image.Filter;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.image.Preprocessing.Fit;
import dev.sextant.image.Preprocessing.Invert;
import dev.sextant.models.Network;
import dev.sextant.train.Optimizer;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients of networks nobody would design against finite differences of the loss, computed by plain loops in double. */
class TrainerGradientTest {
    private static final int CLASSES = 5;

    /** Of networks that have logits, a picture for input and nothing random. */
    static IntStream seeds() {
        return IntStream.range(0, 120).filter(seed -> {
            var random = RandomNetwork.of(new Random(seed));
            var text = random.network().toString();
            int channels = random.input().dim(1);
            return (channels == 1 || channels == 3) && !text.contains("oftmax") && !text.contains("dropout");
        });
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void finiteDifferences(int seed) {
        var random = RandomNetwork.of(new Random(seed));
        var body = seq(random.network(), linear(CLASSES));
        var image = random.input().dropFirst();
        int batch = random.input().dim(0) + 2;
        var labels = new Labels(List.of("a", "b", "c", "d", "e"));
        var network = new Network("random" + seed, body, image, pictures(image), labels);
        var parameters = new HashMap<String, Tensor>();
        var source = new RandomParameters(seed);
        var tensors = new LinkedHashMap<String, Tensor>();
        for (var parameter : network.parameters()) {
            var values = source.floats(new Parameter(parameter.key(), parameter.shape()), Arena.ofAuto());
            tensors.put(parameter.key(), Tensor.of(parameter.shape(), values.toArray(ValueLayout.JAVA_FLOAT)));
        }
        var images = source.images(image.prepend(batch));
        try (var device = Device.cpu(2);
                var trainer = new Trainer(network, device, tensors, Trainer.Options.of(batch, Optimizer.Sgd.of(0, 0)))) {
            trainer.images().copyFrom(images.data());
            for (int i = 0; i < batch; i++) trainer.targets().setAtIndex(ValueLayout.JAVA_FLOAT, (long) i * CLASSES + i % CLASSES, 1);
            var result = trainer.step(0);
            var graph = TrainingGraph.of(body, image.prepend(batch), device.info().order()).forward();
            var input = doubles(images.toArray());
            assertEquals(loss(graph, tensors, input, batch), result.loss(), 1e-4 * Math.abs(result.loss()), network.toString());
            for (var gradient : trainer.gradients().entrySet()) checkDirection(gradient.getKey(), gradient.getValue(), graph, tensors, input, batch, body);
        }
    }

    /** Along its own gradient, the loss must grow as fast as the gradient is long. */
    private static void checkDirection(String key, Tensor gradient, Graph graph, Map<String, Tensor> tensors, double[] input, int batch, Object body) {
        double length = 0;
        for (float g : gradient.toArray()) length += (double) g * g;
        length = Math.sqrt(length);
        if (length < 1e-5) return;
        double expected = 0;
        var at = tensors.get(key);
        float[] ahead = at.toArray(), behind = at.toArray();
        for (int i = 0; i < ahead.length; i++) {
            double step = 1e-4 * gradient.get(i) / length;
            ahead[i] = (float) (ahead[i] + step);
            behind[i] = (float) (behind[i] - step);
            expected += gradient.get(i) * ((double) ahead[i] - behind[i]);
        }
        double found = loss(graph, with(tensors, key, Tensor.of(at.shape(), ahead)), input, batch)
            - loss(graph, with(tensors, key, Tensor.of(at.shape(), behind)), input, batch);
        double difference = Math.abs(found - expected);
        // Where a rectifier bends or a maximum changes hands within the step, the difference is no derivative.
        assertTrue(difference < 0.03 * Math.abs(expected) + 2e-8, () -> key + ": the loss changes by " + found + ", its gradient says otherwise: "
            + difference + " apart; " + body);
    }

    private static Map<String, Tensor> with(Map<String, Tensor> tensors, String key, Tensor tensor) {
        var changed = new HashMap<>(tensors);
        changed.put(key, tensor);
        return changed;
    }

    private static double loss(Graph graph, Map<String, Tensor> tensors, double[] input, int batch) {
        Parameters parameters = (parameter, arena) -> {
            var copy = arena.allocate(parameter.shape().elements() * Float.BYTES, Float.BYTES);
            return copy.copyFrom(tensors.get(parameter.key()).data());
        };
        var logits = Interpreter.run(graph, parameters, input).get("");
        double loss = 0;
        for (int n = 0; n < batch; n++) {
            double sum = 0;
            for (int c = 0; c < CLASSES; c++) sum += Math.exp(logits[n * CLASSES + c]);
            loss += Math.log(sum) - logits[n * CLASSES + n % CLASSES];
        }
        return loss / batch;
    }

    private static Preprocessing pictures(Shape image) {
        int channels = image.dim(0);
        return new Preprocessing(channels, Fit.STRETCH, image.dim(1), image.dim(1), image.dim(2), 255, Collections.nCopies(channels, 0f),
            Collections.nCopies(channels, 1f), Invert.NEVER, Filter.BILINEAR);
    }

    private static double[] doubles(float[] floats) {
        return IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
    }
}
