// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Device;
import dev.sextant.GoldenFormula;
import dev.sextant.Model;
import dev.sextant.Predictor;
import dev.sextant.Shared;
import dev.sextant.Tensor;
import dev.sextant.Trainer;
import dev.sextant.models.LeNet5;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import dev.sextant.nn.Parameter;
import dev.sextant.train.Initialisation;
import dev.sextant.train.Optimizer;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is saved is read again as the same network: the same names and, to the last bit, the same results. */
class RoundTripTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"lenet5", "lenet5_relu", "lenet5_cifar", "alexnet_cifar", "vgg_cifar", "googlenet_cifar", "resnet20",
        "resnet18", "densenet_cifar"})
    void savedModelsComputeTheSame(String name) throws IOException {
        var catalogued = Networks.named(name);
        same(catalogued.input().dim(1) > 64 ? catalogued.at(64, 64) : catalogued);
    }

    @Test
    void responseNormalisationComputesTheSame() throws IOException {
        same(Networks.named("googlenet_2014").at(64, 64));
    }

    private void same(Network network) throws IOException {
        var file = folder.resolve(network.name() + ".onnx");
        try (var model = Model.random(network, 1); var device = Device.cpu(1)) {
            Onnx.save(model, file);
            try (var loaded = Onnx.load(file)) {
                assertEquals(network.name(), loaded.network().name());
                assertEquals(network.preprocessing(), loaded.network().preprocessing());
                assertEquals(network.labels(), loaded.network().labels());
                assertEquals(keys(network.layers().parameters()), keys(loaded.network().parameters()));
                assertArrayEquals(logits(model, device), logits(loaded, device));
            }
        }
    }

    /** As the catalogue's network does: each step's loss, to the last bit. */
    @Test
    void importedNetworksLearnTheSame() throws IOException {
        var network = Networks.named("resnet20");
        var file = folder.resolve("resnet20.onnx");
        try (var model = Model.random(network, 1)) {
            Onnx.save(model, file);
        }
        try (var loaded = Onnx.load(file); var device = Device.cpu(2)) {
            var expected = losses(network, device);
            assertArrayEquals(expected, losses(loaded.network(), device));
            assertTrue(expected[expected.length - 1] < expected[0]);
        }
    }

    private static double[] losses(Network network, Device device) {
        var options = Trainer.Options.of(4, Optimizer.Sgd.of(0.9, 1e-4));
        try (var trainer = new Trainer(network, device, Initialisation.of(network).parameters(network, 1), options)) {
            trainer.images().copyFrom(GoldenFormula.tensor("input", network.input().prepend(4)).data());
            for (int n = 0; n < 4; n++) trainer.targets().setAtIndex(ValueLayout.JAVA_FLOAT, 10L * n + n, 1);
            return DoubleStream.generate(() -> trainer.step(0.01).loss()).limit(5).toArray();
        }
    }

    private static Set<String> keys(List<Parameter> parameters) {
        return parameters.stream().map(Parameter::key).collect(Collectors.toCollection(HashSet::new));
    }

    private static float[] logits(Model model, Device device) {
        var shape = model.network().input().prepend(2);
        try (var predictor = model.predictor(device, Predictor.Options.of(shape))) {
            return predictor.predict(GoldenFormula.tensor("input", shape)).toArray();
        }
    }

    /** The same LeNet-5 in three formats: identical logits. */
    @Test
    void lenetIsTheSameInEveryFormat() throws IOException {
        var network = LeNet5.lenet5Relu();
        try (var onnx = Onnx.load(Shared.path("data/weights/lenet5-mnist.onnx"), Onnx.Options.DEFAULT.withLogits());
                var torch = Model.load(network, Shared.path("data/weights/lenet5-mnist.pth"));
                var safetensors = Model.load(network, Shared.path("data/weights/lenet5-mnist.safetensors")); var device = Device.cpu(1)) {
            var expected = logits(safetensors, device);
            assertArrayEquals(expected, logits(torch, device));
            assertArrayEquals(expected, logits(onnx, device));
        }
    }

    @Test
    void theSoftmaxOfTheFileIsKeptUnlessLogitsAreAskedFor() throws IOException {
        var file = Shared.path("data/weights/lenet5-mnist.onnx");
        try (var whole = Onnx.load(file); var cut = Onnx.load(file, Onnx.Options.DEFAULT.withLogits()); var device = Device.cpu(1)) {
            var expected = Tensor.of(cut.network().output().prepend(2), logits(cut, device)).softmax().toArray();
            assertArrayEquals(expected, logits(whole, device), 1e-6f);
        }
    }
}
