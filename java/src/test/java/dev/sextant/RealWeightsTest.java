// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trained networks from elsewhere: logits as computed from the same files in float64, and as many right answers as published. */
class RealWeightsTest {
    private static final int BATCH = 100;

    @ParameterizedTest
    @CsvSource({"resnet20, 999", "resnet56, 1000"})
    void cifar(String name, int right) throws IOException {
        var samples = Samples.cifar(Shared.path("data/cifar10/lossless-train-1000.bin.gz"));
        check(Networks.named(name), "data/weights/" + name + "-cifar10.safetensors", samples, right, name + ".lossless16.logits");
    }

    @ParameterizedTest
    @CsvSource({"lenet5_relu, lenet5, 9813, 0.1307, 0.3081, 255", "lenet_caffe, lenet-caffe, 9914, 0, 1, 256"})
    void digits(String name, String file, int right, float mean, float std, float range) throws IOException {
        var samples = Samples.digits(Shared.path("data/mnist/t10k-images-idx3-ubyte.gz"),
            Shared.path("data/mnist/t10k-labels-idx1-ubyte.gz"), mean, std, range);
        check(Networks.named(name), "data/weights/" + file + "-mnist.safetensors", samples, right, file + ".t10k16.logits");
    }

    private static void check(Network network, String file, Samples samples, int right, String golden) throws IOException {
        try (var model = Model.load(network, Shared.path(file)); var device = Device.cpu(2)) {
            try (var predictor = model.predictor(device, Options.of(samples.image().prepend(BATCH)))) {
                assertEquals(right, samples.right(predictor), "right answers of " + samples.count());
            }
            try (var predictor = model.predictor(device, Options.of(samples.image().prepend(16)).withPrecision(Precision.STRICT));
                    var expected = Safetensors.open(Shared.path("data/weights/golden.safetensors"))) {
                assertNear(expected.tensor(golden), predictor.predict(samples.batch(0, 16)));
            }
        }
    }

    /** Weights of 8 bits with the norms folded away, in a network whose description has the norms. */
    @ParameterizedTest
    @CsvSource({"kitten, 281, 0.548", "goldfish, 1, 0.995", "waffle_iron, 891, 1.000", "jack_o_lantern, 607, 0.965"})
    void imagenet(String name, int label, double probability) throws IOException {
        try (var model = Model.load(Networks.named("resnet50_v1"),
            Shared.path("data/weights/resnet50-imagenet-int8.safetensors.gz"));
                var predictor = model.predictor(Device.cpu(), Options.DEFAULT.withPrecision(Precision.STRICT));
                var expected = Safetensors.open(Shared.path("data/weights/golden.safetensors"))) {
            var logits = predictor.predict(Samples.picture(Shared.path("data/images/224/" + name + ".png"))).slice(0);
            assertNear(expected.tensor("resnet50." + name + ".logits"), logits);
            assertEquals(label, logits.argmax());
            assertEquals(probability, logits.softmax().get(label), 0.001);
        }
    }

    private static void assertNear(Tensor expected, Tensor found) {
        assertEquals(expected.shape(), found.shape());
        double difference = 0;
        for (int i = 0; i < expected.shape().elements(); i++) difference =
            Math.max(difference, Math.abs(expected.get(i) - found.get(i)));
        double largest = difference;
        assertTrue(largest < 1e-4, () -> "logits part by " + largest);
    }
}
