// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Trainer.Options;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import dev.sextant.train.Initialisation;
import dev.sextant.train.Optimizer;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Training with pictures in bfloat16: the gradients point where float32's do, the networks learn, nothing is left to slow kernels. */
class MixedPrecisionTest {
    private static Device device;

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
        Narrow.assumeRunsOn(device);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    private static Trainer trainer(Network network, int batch, Precision precision) {
        var parameters = Initialisation.of(network).parameters(network, 1);
        var trainer = new Trainer(network, device, parameters, Options.of(batch, Optimizer.Sgd.of(0.9, 1e-4)).withPrecision(precision));
        fill(trainer, 1);
        return trainer;
    }

    /** Noise, brighter in the stripe of the class. */
    private static void fill(Trainer trainer, long seed) {
        var random = new SplittableRandom(seed);
        var shape = trainer.network().input();
        int classes = trainer.network().labels().size(), h = shape.dim(1), w = shape.dim(2);
        trainer.targets().fill((byte) 0);
        for (int n = 0; n < trainer.options().batch(); n++) {
            int label = random.nextInt(classes);
            trainer.targets().setAtIndex(ValueLayout.JAVA_FLOAT, (long) n * classes + label, 1);
            for (int i = 0; i < shape.elements(); i++) {
                double value = random.nextDouble(-1, 1) + (i / w % h * classes / h == label ? 2 : 0);
                trainer.images().setAtIndex(ValueLayout.JAVA_FLOAT, n * shape.elements() + i, (float) value);
            }
        }
    }

    private static double cosine(Map<String, Tensor> one, Map<String, Tensor> other) {
        double product = 0, first = 0, second = 0;
        for (var key : one.keySet()) {
            var a = one.get(key).toArray();
            var b = other.get(key).toArray();
            for (int i = 0; i < a.length; i++) {
                product += (double) a[i] * b[i];
                first += (double) a[i] * a[i];
                second += (double) b[i] * b[i];
            }
        }
        return product / Math.sqrt(first * second);
    }

    /** Rounding each result to 8 bits turns the gradient a little at every layer: more in deep networks, more where norms divide. */
    @ParameterizedTest
    @CsvSource({"lenet5, 0.9999", "alexnet_cifar, 0.99", "vgg_cifar, 0.93", "resnet20, 0.96", "googlenet_cifar, 0.95",
        "densenet_cifar, 0.9"})
    void gradientsPointWhereThoseOfFloat32Do(String name, double least) {
        var network = Networks.named(name);
        try (var wide = trainer(network, 8, Precision.FP32); var narrow = trainer(network, 8, Precision.BF16)) {
            double expected = wide.step(0).loss(), loss = narrow.step(0).loss();
            assertEquals(expected, loss, 1e-2 * expected);
            double cosine = cosine(wide.gradients(), narrow.gradients());
            System.out.printf("%s: loss %.5f in float32, %.5f in bf16; cosine of the gradients %.5f%n", name, expected, loss, cosine);
            assertTrue(cosine > least, () -> name + ": cosine " + cosine);
            // Statistics of hundreds of pixels: the rounding averages out.
            var wideStatistics = wide.parameters();
            narrow.parameters().forEach((key, tensor) -> {
                if (!key.endsWith("running_mean") && !key.endsWith("running_var")) return;
                var a = wideStatistics.get(key).toArray();
                var b = tensor.toArray();
                for (int i = 0; i < a.length; i++) assertEquals(a[i], b[i], 2e-2 * (1 + Math.abs(a[i])), key);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lenet5", "resnet20"})
    void learns(String name) {
        try (var trainer = trainer(Networks.named(name), 32, Precision.BF16)) {
            double first = trainer.step(0.02).loss(), last = first;
            for (int i = 2; i < 80; i++) {
                fill(trainer, i);
                last = trainer.step(0.02).loss();
            }
            double end = last;
            assertTrue(end < 0.2 * first, () -> name + ": the loss went from " + first + " to " + end);
        }
    }

    @Test
    void theSameBitsEachTime() {
        try (var one = trainer(Networks.named("resnet20"), 8, Precision.BF16);
                var other = trainer(Networks.named("resnet20"), 8, Precision.BF16)) {
            for (int i = 0; i < 3; i++) {
                assertEquals(one.step(0.05), other.step(0.05));
            }
            assertEquals(one.parameters(), other.parameters());
        }
    }

    /** Parameters, packed in each step, stay as large: so not quite half, least so where a network is mostly weights. */
    @ParameterizedTest
    @ValueSource(strings = {"alexnet_cifar", "vgg_cifar", "googlenet", "googlenet_2014", "resnet18", "resnet50", "densenet121", "resnet20"})
    void everyOperationHasAFastKernelAndLessMemory(String name) {
        var network = Networks.named(name);
        try (var wide = trainer(network, 2, Precision.FP32); var narrow = trainer(network, 2, Precision.BF16)) {
            for (var step : narrow.operations()) {
                assertFalse(step.implementation().contains("reference"),
                    () -> step.name() + ": " + step.operation() + " is " + step.implementation());
            }
            double share = (double) narrow.workspaceBytes() / wide.workspaceBytes();
            assertTrue(share < 0.75, () -> name + ": workspace of " + share);
        }
    }
}
