// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import static dev.sextant.nn.Nn.*;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.data.Dataset;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.models.Network;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** Little pictures of which each class has a bright place of its own, and networks that can tell, for tests of training. */
public final class Bright {
    static final int SIDE = 6, CLASSES = 10;

    private Bright() {}

    /** Places {@code 2k, 2k + 1} of a picture of class {@code k} are bright, all others dark and noisy; as MNIST's files. */
    public static Path write(Path folder, int training, int test) throws IOException {
        Files.createDirectories(folder);
        part(folder, "train", training, 1);
        part(folder, "t10k", test, 2);
        return folder;
    }

    private static void part(Path folder, String name, int count, long seed) throws IOException {
        var random = new SplittableRandom(seed);
        var pictures = ByteBuffer.allocate(16 + count * SIDE * SIDE).putInt(0x803).putInt(count).putInt(SIDE).putInt(SIDE);
        var labels = ByteBuffer.allocate(8 + count).putInt(0x801).putInt(count);
        for (int i = 0; i < count; i++) {
            int label = random.nextInt(CLASSES);
            for (int at = 0; at < SIDE * SIDE; at++) pictures.put((byte) (random.nextInt(60) + (at / 2 == label ? 150 : 0)));
            labels.put((byte) label);
        }
        Files.write(folder.resolve(name + "-images-idx3-ubyte"), pictures.array());
        Files.write(folder.resolve(name + "-labels-idx1-ubyte"), labels.array());
    }

    static Dataset open(Path folder, Dataset.Split split) throws IOException {
        return Dataset.open(folder, split);
    }

    /** A layer of each kind that keeps something from step to step, or from forward to backward. */
    static Network network() {
        var body = seq(conv(8, 3).pad(1).noBias().as("conv"), batchNorm().as("norm"), relu(), maxPool(2, 2), dropout(0.05),
            linear(24).as("hidden"), tanh(), linear(CLASSES).as("out"));
        return new Network("bright", body, Shape.of(1, SIDE, SIDE), Preprocessing.gray(SIDE, 255, 0.2f, 0.3f), Labels.digits());
    }

    /** One linear layer. */
    static Network plain() {
        return new Network("plain", seq(linear(CLASSES).as("out")), Shape.of(1, SIDE, SIDE), Preprocessing.gray(SIDE, 255, 0, 1),
            Labels.digits());
    }

    /** Weights of {@link #plain} that give each class {@code scale} times the sum of its two places. */
    static Map<String, Tensor> knowing(float scale) {
        var weights = new float[CLASSES * SIDE * SIDE];
        for (int k = 0; k < CLASSES; k++) weights[k * SIDE * SIDE + 2 * k] = weights[k * SIDE * SIDE + 2 * k + 1] = scale;
        return Map.of("out.weight", Tensor.of(Shape.of(CLASSES, SIDE * SIDE), weights), "out.bias",
            Tensor.of(Shape.of(CLASSES), new float[CLASSES]));
    }
}
