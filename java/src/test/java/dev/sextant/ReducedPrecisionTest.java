// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.graph.Storage.Order;
import dev.sextant.image.Picture;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What trained networks lose in fewer bits: nothing that float32 classifies rightly with some margin. Prints what it finds. */
class ReducedPrecisionTest {
    private static final int BATCH = 100;
    private static final List<String> PICTURES = List.of("kitten", "goldfish", "waffle_iron", "jack_o_lantern");
    private static Device device;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        device = Device.cpu(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    @BeforeEach
    void needsTheInstructions() {
        Narrow.assumeRunsOn(device);
    }

    /** @param right answers in float32 */
    @ParameterizedTest
    @CsvSource({"resnet20, 999", "resnet56, 1000"})
    void cifar(String name, int right) throws IOException {
        var samples = Samples.cifar(Shared.path("data/cifar10/lossless-train-1000.bin.gz"));
        try (var model = Model.load(Networks.named(name), Shared.path("data/weights/" + name + "-cifar10.safetensors"))) {
            assertLoses(0.3, model, Precision.BF16, samples, right);
            var pictures = Samples.archive(Shared.path("data/cifar10/train.tar.gz"), 200);
            try (var quantised = quantised(model, pictures)) {
                assertLoses(1.0, quantised, Precision.INT8, samples, right);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"lenet5_relu, lenet5, 9813, 0.1307, 0.3081, 255", "lenet_caffe, lenet-caffe, 9914, 0, 1, 256"})
    void digits(String name, String file, int right, float mean, float std, float range) throws IOException {
        var samples = Samples.digits(Shared.path("data/mnist/t10k-images-idx3-ubyte.gz"),
            Shared.path("data/mnist/t10k-labels-idx1-ubyte.gz"), mean, std, range);
        try (var model = Model.load(Networks.named(name), Shared.path("data/weights/" + file + "-mnist.safetensors"))) {
            assertLoses(0.3, model, Precision.BF16, samples, right);
            var pictures = Samples.digits(Shared.path("data/mnist/train-images-idx3-ubyte.gz"),
                Shared.path("data/mnist/train-labels-idx1-ubyte.gz"), mean, std, range);
            try (var quantised = quantised(model, pictures)) {
                assertLoses(1.0, quantised, Precision.INT8, samples, right);
            }
        }
    }

    /** The model as calibrated on the first of some pictures, by way of its file. */
    private Model quantised(Model model, Samples pictures) throws IOException {
        var file = folder.resolve("quantised.safetensors");
        try (var calibration = model.calibration(device, BATCH)) {
            for (int first = 0; first < 200; first += BATCH) calibration.observe(pictures.batch(first, BATCH));
            calibration.write(file);
        }
        return Model.load(model.network(), file);
    }

    private static void assertLoses(double points, Model model, Precision precision, Samples samples, int right) {
        var options = Options.of(samples.image().prepend(BATCH)).withPrecision(precision);
        try (var predictor = model.predictor(device, options)) {
            int found = samples.right(predictor);
            System.out.println(model.network().name() + " " + precision + ": " + found + " of " + samples.count() + " right, fp32 " + right);
            double lost = 100.0 * (right - found) / samples.count();
            assertTrue(lost <= points, () -> lost + " points lost, at most " + points + " expected");
        }
    }

    @Test
    void picturesKeepTheirLabels() throws IOException {
        try (var model = Model.load(Networks.named("resnet50_v1"), Shared.path("data/weights/resnet50-imagenet-int8.safetensors.gz"))) {
            assertSameLabels(model, model, Precision.BF16);
            var file = folder.resolve("quantised.safetensors");
            try (var calibration = model.calibration(device, 1)) {
                for (var photo : List.of("cat", "fish-bike", "golden_retriever")) {
                    var picture = Picture.read(Shared.path("data/images/photos/" + photo + ".jpg"));
                    calibration.observe(picture.tensor(model.network().preprocessing()));
                }
                calibration.write(file);
            }
            try (var quantised = Model.load(model.network(), file)) {
                assertSameLabels(model, quantised, Precision.INT8);
            }
        }
    }

    private static void assertSameLabels(Model exact, Model narrow, Precision precision) throws IOException {
        try (var reference = exact.predictor(device);
                var predictor = narrow.predictor(device, Options.DEFAULT.withPrecision(precision))) {
            for (var name : PICTURES) {
                var picture = Samples.picture(Shared.path("data/images/224/" + name + ".png"));
                var expected = reference.predict(picture).slice(0);
                var found = predictor.predict(picture).slice(0);
                int label = expected.argmax();
                System.out.printf("resnet50_v1 %s %s: %.3f, fp32 %.3f%n", precision, name, found.softmax().get(label),
                    expected.softmax().get(label));
                assertEquals(label, found.argmax(), name);
            }
        }
    }

    @Test
    void otherProcessorsAreRefusedInOneSentence() {
        var old = new Device.Info("cpu", Device.Kind.CPU, "avx2", Order.NCHW8C, 1, 1, "old", 0);
        var refused = assertThrows(UnsupportedOperationException.class, () -> Precision.BF16.requireOn(old));
        assertEquals("precision: bf16 needs a processor with AVX512_BF16 and AVX512_VNNI, this one has avx2", refused.getMessage());
        Precision.FP32.requireOn(old);
        Precision.STRICT.requireOn(old);
    }

    /** Half the bytes an element, whatever the network: activations and the weights of all but the first layer. */
    @Test
    void memoryHalves() {
        for (var name : List.of("resnet18", "googlenet", "densenet121")) {
            try (var model = Model.random(Networks.named(name), 1);
                    var wide = model.predictor(device);
                    var narrow = model.predictor(device, Options.DEFAULT.withPrecision(Precision.BF16))) {
                double share = (double) narrow.graph().storage().workspaceBytes() / wide.graph().storage().workspaceBytes();
                assertTrue(share < 0.55, () -> name + ": activations take " + share);
            }
        }
    }
}
