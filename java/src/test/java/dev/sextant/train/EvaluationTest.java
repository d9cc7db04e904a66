// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.SextantException;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.data.Dataset;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
    private static final int COUNT = 61;

    @TempDir
    static Path folder;

    static Dataset data;

    @BeforeAll
    static void open() throws IOException {
        data = Bright.open(Bright.write(folder, 10, COUNT), Dataset.Split.TEST);
    }

    @Test
    void allRight() throws IOException {
        var found = evaluate(Bright.plain(), Bright.knowing(8), 16);
        assertEquals(COUNT, found.count());
        assertEquals(1, found.top1());
        assertEquals(1, found.top5());
        assertTrue(found.loss() < 0.05, found::toString);
        assertEquals(List.of(), found.mistakes());
        for (int k = 0; k < Bright.CLASSES; k++) assertEquals(data.counts()[k], found.confusion(k, k));
    }

    @Test
    void againstAPlainLoop() throws IOException {
        // Biases that make some classes win too often.
        var weights = new HashMap<>(Bright.knowing(1));
        weights.put("out.bias", Tensor.of(Shape.of(10), new float[] {0, 0.9f, 0, 0, 1.4f, 0, 0, 0.2f, -2, 0}));
        var found = evaluate(Bright.plain(), weights, 7);
        double loss = 0;
        int right = 0, five = 0;
        var confusion = new int[10][10];
        var mistakes = new ArrayList<Evaluation.Mistake>();
        for (int i = 0; i < COUNT; i++) {
            var image = data.picture(i).tensor(Bright.plain().preprocessing()).toArray();
            var logits = new double[10];
            for (int k = 0; k < 10; k++) logits[k] = image[2 * k] + image[2 * k + 1] + weights.get("out.bias").get(k);
            int label = data.label(i);
            double sum = Arrays.stream(logits).map(Math::exp).sum();
            loss -= Math.log(Math.exp(logits[label]) / sum);
            int largest = 0, larger = 0;
            for (int k = 0; k < 10; k++) {
                if (logits[k] > logits[largest]) largest = k;
                if (logits[k] > logits[label]) larger++;
            }
            confusion[label][largest]++;
            if (largest == label) right++;
            else mistakes.add(new Evaluation.Mistake(i, label, largest, Math.exp(logits[largest]) / sum));
            if (larger < 5) five++;
        }
        assertTrue(right > 10 && right < 50 && five > right && five < COUNT, "a mixture: " + right + ", " + five);
        assertEquals((double) right / COUNT, found.top1());
        assertEquals((double) five / COUNT, found.top5());
        assertEquals(loss / COUNT, found.loss(), 1e-6);
        for (int a = 0; a < 10; a++) {
            for (int b = 0; b < 10; b++) assertEquals(confusion[a][b], found.confusion(a, b));
        }
        mistakes.sort((a, b) -> Double.compare(b.probability(), a.probability()));
        var kept = found.mistakes();
        assertEquals(Math.min(24, mistakes.size()), kept.size());
        for (int i = 0; i < kept.size(); i++) {
            assertEquals(mistakes.get(i).sample(), kept.get(i).sample());
            assertEquals(mistakes.get(i).probability(), kept.get(i).probability(), 1e-6);
        }
    }

    @Test
    void equalOutputsAreTheFirstClasses() throws IOException {
        var zeros = Map.of("out.weight", Tensor.of(Shape.of(10, 36), new float[360]), "out.bias", Tensor.of(Shape.of(10),
            new float[10]));
        var found = evaluate(Bright.plain(), zeros, 8);
        assertEquals((double) data.counts()[0] / COUNT, found.top1());
        assertEquals(Arrays.stream(data.counts()).limit(5).sum() / (double) COUNT, found.top5());
        assertEquals(Math.log(10), found.loss(), 1e-6);
    }

    @Test
    void whatCannotBe() {
        var bias = new float[10];
        bias[3] = Float.NaN;
        var weights = new HashMap<>(Bright.knowing(1));
        weights.put("out.bias", Tensor.of(Shape.of(10), bias));
        var broken = assertThrows(SextantException.class, () -> evaluate(Bright.plain(), weights, 8));
        assertTrue(broken.getMessage().matches("evaluation: an output for sample 0 of .*t10k-images.* is NaN"),
            broken::getMessage);
        var few = new Network("plain", Bright.plain().body(), Bright.plain().input(), Bright.plain().preprocessing(),
            Bright.plain().labels())
            .classes(4);
        var message = assertThrows(IllegalArgumentException.class, () -> evaluate(few, Map.of("out.weight",
            Tensor.of(Shape.of(4, 36), new float[144]), "out.bias", Tensor.of(Shape.of(4), new float[4])), 8)).getMessage();
        assertTrue(message.endsWith("expects the 4 classes of plain, found 10"), message);
    }

    private static Evaluation evaluate(Network network, Map<String, Tensor> weights, int batch) throws IOException {
        try (var device = Device.cpu(1); var model = Model.of(network, Weights.of(weights, "test"))) {
            return Evaluation.of(model, device, data, Evaluation.Options.of(network).withBatch(batch));
        }
    }
}
