// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.graph.Graphs;
import dev.sextant.io.Safetensors;
import dev.sextant.io.Weights;
import dev.sextant.models.LeNet5;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which checkpoints fit a network, and what is said of those that do not. */
class ModelTest {
    private static final Network LENET = LeNet5.lenet5();

    private static LinkedHashMap<String, Tensor> formula(Network network) {
        return FormulaWeights.tensors(network, Arena.ofAuto());
    }

    private static Model model(Network network, Map<String, Tensor> tensors) {
        return Model.of(network, Weights.of(tensors, "checkpoint"));
    }

    private static Tensor output(Network network, Map<String, Tensor> tensors, Shape shape) {
        try (var model = model(network, tensors); var predictor = model.predictor(Device.cpu(), Options.of(shape))) {
            return predictor.predict(GoldenFormula.tensor("input", shape));
        }
    }

    private static String refusal(Network network, Map<String, Tensor> tensors) {
        return assertThrows(IllegalArgumentException.class, () -> model(network, tensors)).getMessage();
    }

    @Test
    void aFileGivesWhatItsTensorsGive(@TempDir Path folder) throws IOException {
        var file = folder.resolve("lenet5.safetensors");
        Safetensors.write(file, formula(LENET), Map.of());
        var shape = Shape.of(3, 1, 28, 28);
        try (var model = Model.load(LENET, file); var predictor = model.predictor(Device.cpu(), Options.of(shape))) {
            assertEquals(output(LENET, formula(LENET), shape), predictor.predict(GoldenFormula.tensor("input", shape)));
        }
        var error = assertThrows(IllegalArgumentException.class, () -> Model.load(Networks.named("lenet_caffe"), file));
        assertTrue(error.getMessage().startsWith(file + " does not fit lenet_caffe, which expects 8 tensors: "),
            error.getMessage());
        assertThrows(IOException.class, () -> Model.load(LENET, folder.resolve("absent.safetensors")));
    }

    @Test
    void everythingThatIsWrongIsListed() {
        var tensors = formula(LENET);
        tensors.remove("conv1.bias");
        tensors.remove("fc2.weight");
        tensors.put("fc9.weight", GoldenFormula.tensor("x", Shape.of(2, 3)));
        tensors.put("conv2.weight", GoldenFormula.tensor("x", Shape.of(16, 6, 3, 3)));
        assertEquals("checkpoint does not fit lenet5, which expects 10 tensors: 2 missing: conv1.bias, fc2.weight; "
            + "1 unexpected: fc9.weight; 1 of another shape: conv2.weight (expected 16x6x5x5, found 16x6x3x3)",
            refusal(LENET, tensors));
    }

    @Test
    void longListsAreCut() {
        var message = refusal(Networks.named("resnet20"), Map.of());
        assertTrue(message.matches("checkpoint does not fit resnet20, which expects 97 tensors: "
            + "97 missing: conv1.weight(, [^,]+){9}, \\.\\.\\."), message);
    }

    @Test
    void thePrefixOfDataParallelComesOff() {
        var network = Networks.named("resnet20");
        var prefixed = new LinkedHashMap<String, Tensor>();
        formula(network).forEach((key, tensor) -> prefixed.put("module." + key, tensor));
        var shape = Shape.of(1, 3, 32, 32);
        assertEquals(output(network, formula(network), shape), output(network, prefixed, shape));
        prefixed.put("extra", GoldenFormula.tensor("x", Shape.of(1)));
        assertTrue(refusal(network, prefixed).contains("unexpected"), "a prefix that not all keys have is none");
    }

    @Test
    void countersOfBatchesAreIgnored() {
        var network = Networks.named("resnet20");
        var tensors = formula(network);
        tensors.put("bn1.num_batches_tracked", GoldenFormula.tensor("x", Shape.of(1)));
        model(network, tensors).close();
    }

    @Test
    void auxiliaryHeadsMayBeThereOrNot() {
        for (var name : new String[] {"googlenet", "googlenet_2014"}) {
            var network = Networks.named(name);
            var with = formula(network);
            var without = formula(network);
            assertTrue(without.keySet().removeIf(key -> key.startsWith("aux")));
            var shape = Shape.of(1, 3, 64, 64);
            assertEquals(output(network, with, shape), output(network, without, shape));
            without.remove("fc.bias");
            assertTrue(refusal(network, without).endsWith("1 missing: fc.bias"));
        }
    }

    /** What tools for deployment write: norms folded into weights and biases, their own keys gone. */
    @ParameterizedTest
    @CsvSource({"resnet20, 1x3x32x32", "resnet18, 1x3x64x64", "googlenet, 1x3x64x64"})
    void foldedNormsAreAccepted(String name, String size) {
        var network = Networks.named(name);
        var shape = Shape.parse(size);
        var tensors = formula(network);
        tensors.keySet().removeIf(key -> key.startsWith("aux"));
        double eps = name.equals("googlenet") ? 1e-3 : 1e-5;
        var folded = folded(tensors, eps);
        assertFalse(folded.keySet().stream().anyMatch(key -> key.endsWith("running_mean")));
        assertTrue(Graphs.distance(doubles(output(network, tensors, shape)), doubles(output(network, folded, shape))) < 1e-5);
        folded.remove("conv1.bias");
        folded.remove("conv1.conv.bias");
        assertTrue(refusal(network, folded).contains("4 missing"), "without norm and bias, the norm is missing");
    }

    /** Stages of a folded checkpoint can be tapped: the norm's is the convolution's. */
    @Test
    void foldedNormsKeepTheirStages() {
        var network = Networks.named("resnet18");
        try (var model = model(network, folded(formula(network), 1e-5)); var predictor = model.predictor(Device.cpu(),
                Options.of(Shape.of(1, 3, 32, 32)).withTaps(List.of("conv1", "bn1", "relu")))) {
            predictor.predict(GoldenFormula.tensor("input", predictor.inputShape()));
            assertEquals(predictor.taps().get("conv1"), predictor.taps().get("bn1"));
        }
    }

    private static LinkedHashMap<String, Tensor> folded(Map<String, Tensor> tensors, double eps) {
        var folded = new LinkedHashMap<>(tensors);
        tensors.keySet().stream().filter(key -> key.endsWith(".running_mean")).map(key -> key.substring(0, key.lastIndexOf('.')))
            .forEach(norm -> {
            var conv = norm.contains("bn") ? norm.replace("bn", "conv") : norm.replaceAll("1$", "0");
            float[] weights = tensors.get(conv + ".weight").toArray(), bias = tensors.get(norm + ".bias").toArray();
            int each = weights.length / bias.length;
            for (int k = 0; k < bias.length; k++) {
                double scale = tensors.get(norm + ".weight").get(k) / Math.sqrt(tensors.get(norm + ".running_var").get(k) + eps);
                for (int i = k * each; i < (k + 1) * each; i++) weights[i] = (float) (weights[i] * scale);
                bias[k] = (float) (bias[k] - tensors.get(norm + ".running_mean").get(k) * scale);
            }
            folded.put(conv + ".weight", Tensor.of(tensors.get(conv + ".weight").shape(), weights));
            folded.put(conv + ".bias", Tensor.of(Shape.of(bias.length), bias));
            folded.keySet().removeIf(key -> key.startsWith(norm + "."));
        });
        return folded;
    }

    @Test
    void randomParametersDependOnTheSeedAlone() {
        var shape = Shape.of(1, 1, 28, 28);
        assertEquals(random(LENET, 5, shape), random(LENET, 5, shape));
        assertFalse(random(LENET, 5, shape).equals(random(LENET, 6, shape)));
    }

    /** However deep: neither zero nor infinite. */
    @ParameterizedTest
    @CsvSource({"lenet5, 1x1x28x28", "resnet110, 1x3x32x32", "resnet152, 1x3x64x64", "densenet_bc_100_12, 1x3x32x32",
        "densenet201, 1x3x64x64",
        "vgg19, 1x3x224x224", "googlenet, 1x3x64x64"})
    void randomParametersKeepActivationsFinite(String name, String size) {
        var output = random(Networks.named(name), 1, Shape.parse(size));
        double largest = 0;
        for (int i = 0; i < output.shape().elements(); i++) {
            assertTrue(Float.isFinite(output.get(i)), name);
            largest = Math.max(largest, Math.abs(output.get(i)));
        }
        assertTrue(largest > 1e-3 && largest < 1e20, name + ": the largest logit is " + largest);
    }

    private static Tensor random(Network network, long seed, Shape shape) {
        try (var model = Model.random(network, seed); var predictor = model.predictor(Device.cpu(), Options.of(shape))) {
            return predictor.predict(GoldenFormula.tensor("input", shape));
        }
    }

    private static double[] doubles(Tensor tensor) {
        var floats = tensor.toArray();
        var doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) doubles[i] = floats[i];
        return doubles;
    }
}
