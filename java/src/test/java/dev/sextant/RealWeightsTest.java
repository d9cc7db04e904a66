// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Predictor.Options;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trained networks from elsewhere: logits as computed from the same files in float64, and as many right answers as published. */
class RealWeightsTest {
    private static final float[] MEAN = {0.485f, 0.456f, 0.406f}, STD = {0.229f, 0.224f, 0.225f};
    private static final int BATCH = 100;

    /** Pictures of one data set, brought to a network's input, and what they show. */
    private record Samples(Shape image, float[] values, int[] labels) {
        Tensor batch(int first, int count) {
            int each = (int) image.elements();
            return Tensor.of(image.prepend(count), Arrays.copyOfRange(values, first * each, (first + count) * each));
        }
    }

    @ParameterizedTest
    @CsvSource({"resnet20, 999", "resnet56, 1000"})
    void cifar(String name, int right) throws IOException {
        var samples = cifarRecords(Shared.path("data/cifar10/lossless-train-1000.bin.gz"));
        check(Networks.named(name), "data/weights/" + name + "-cifar10.safetensors", samples, right, name + ".lossless16.logits");
    }

    @ParameterizedTest
    @CsvSource({"lenet5_relu, lenet5, 9813, 0.1307, 0.3081, 255", "lenet_caffe, lenet-caffe, 9914, 0, 1, 256"})
    void digits(String name, String file, int right, float mean, float std, float range) throws IOException {
        var samples = mnist(Shared.path("data/mnist/t10k-images-idx3-ubyte.gz"),
            Shared.path("data/mnist/t10k-labels-idx1-ubyte.gz"), mean, std, range);
        check(Networks.named(name), "data/weights/" + file + "-mnist.safetensors", samples, right, file + ".t10k16.logits");
    }

    private static void check(Network network, String file, Samples samples, int right, String golden) throws IOException {
        try (var model = Model.load(network, Shared.path(file)); var device = Device.cpu(2)) {
            try (var predictor = model.predictor(device, Options.of(samples.image.prepend(BATCH)))) {
                int found = 0;
                for (int first = 0; first < samples.labels.length; first += BATCH) {
                    var logits = predictor.predict(samples.batch(first, BATCH));
                    for (int i = 0; i < BATCH; i++) if (logits.slice(i).argmax() == samples.labels[first + i]) found++;
                }
                assertEquals(right, found, "right answers of " + samples.labels.length);
            }
            try (var predictor = model.predictor(device, Options.of(samples.image.prepend(16)).withPrecision(Precision.STRICT));
                    var expected = Safetensors.open(Shared.path("data/weights/golden.safetensors"))) {
                assertNear(expected.tensor(golden), predictor.predict(samples.batch(0, 16)));
            }
        }
    }

    /** Weights of 8 bits with the norms folded away, in a network whose description has the norms. */
    @ParameterizedTest
    @CsvSource({"kitten, 281, 0.548", "goldfish, 1, 0.995", "waffle_iron, 891, 1.000", "jack_o_lantern, 607, 0.965"})
    void imagenet(String name, int label, double probability) throws IOException {
        var picture = ImageIO.read(Shared.path("data/images/224/" + name + ".png").toFile());
        var values = new float[3 * 224 * 224];
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < 224; y++)
                for (int x = 0; x < 224; x++) {
                    int level = picture.getRGB(x, y) >> 16 - 8 * c & 0xff;
                    values[(c * 224 + y) * 224 + x] = (level / 255f - MEAN[c]) / STD[c];
                }
        try (var model = Model.load(Networks.named("resnet50_v1"),
            Shared.path("data/weights/resnet50-imagenet-int8.safetensors.gz"));
                var predictor = model.predictor(Device.cpu(), Options.DEFAULT.withPrecision(Precision.STRICT));
                var expected = Safetensors.open(Shared.path("data/weights/golden.safetensors"))) {
            var logits = predictor.predict(Tensor.of(Shape.of(1, 3, 224, 224), values)).slice(0);
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

    /** One label and three planes of 32x32 a record. */
    private static Samples cifarRecords(Path file) throws IOException {
        var bytes = unzipped(file);
        int plane = 32 * 32, count = bytes.length / (1 + 3 * plane);
        var values = new float[count * 3 * plane];
        var labels = new int[count];
        for (int n = 0; n < count; n++) {
            int record = n * (1 + 3 * plane);
            labels[n] = bytes[record];
            for (int i = 0; i < 3 * plane; i++) values[n * 3 * plane + i] =
                ((bytes[record + 1 + i] & 0xff) / 255f - MEAN[i / plane]) / STD[i / plane];
        }
        return new Samples(Shape.of(3, 32, 32), values, labels);
    }

    /** IDX: a header of 16 bytes before the pictures, of 8 before the labels. */
    private static Samples mnist(Path images, Path numbers, float mean, float std, float range) throws IOException {
        var pixels = unzipped(images);
        var digits = unzipped(numbers);
        var values = new float[pixels.length - 16];
        var labels = new int[digits.length - 8];
        for (int i = 0; i < values.length; i++) values[i] = ((pixels[16 + i] & 0xff) / range - mean) / std;
        for (int i = 0; i < labels.length; i++) labels[i] = digits[8 + i];
        return new Samples(Shape.of(1, 28, 28), values, labels);
    }

    private static byte[] unzipped(Path file) throws IOException {
        try (var stream = new GZIPInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            return stream.readAllBytes();
        }
    }
}
