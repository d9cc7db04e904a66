// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.awt.image.BufferedImage;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import javax.imageio.ImageIO;

/** Pictures of one data set, brought to a network's input, and what they show. */
record Samples(Shape image, float[] values, int[] labels) {
    private static final float[] MEAN = {0.485f, 0.456f, 0.406f}, STD = {0.229f, 0.224f, 0.225f};
    private static final int TAR_BLOCK = 512, TAR_SIZE = 124, TAR_SIZE_DIGITS = 11;

    int count() {
        return labels.length;
    }

    Tensor batch(int first, int count) {
        int each = (int) image.elements();
        return Tensor.of(image.prepend(count), Arrays.copyOfRange(values, first * each, (first + count) * each));
    }

    /** How many are classified as they are labelled; the count is a multiple of the predictor's batch. */
    int right(Predictor predictor) {
        int batch = predictor.inputShape().dim(0), found = 0;
        for (int first = 0; first < labels.length; first += batch) {
            var logits = predictor.predict(batch(first, batch));
            for (int i = 0; i < batch; i++) if (logits.slice(i).argmax() == labels[first + i]) found++;
        }
        return found;
    }

    /** CIFAR-10's binary records: one label and three planes of 32x32 each. */
    static Samples cifar(Path file) throws IOException {
        var bytes = unzipped(file);
        int plane = 32 * 32, count = bytes.length / (1 + 3 * plane);
        var values = new float[count * 3 * plane];
        var labels = new int[count];
        for (int n = 0; n < count; n++) {
            int record = n * (1 + 3 * plane);
            labels[n] = bytes[record];
            for (int i = 0; i < 3 * plane; i++) values[n * 3 * plane + i] = normalised(bytes[record + 1 + i] & 0xff, i / plane);
        }
        return new Samples(Shape.of(3, 32, 32), values, labels);
    }

    /** The first pictures of a tar archive, whose labels are not looked at; every other entry is one of its folders. */
    static Samples archive(Path file, int count) throws IOException {
        var values = new float[count * 3 * 32 * 32];
        try (var stream = new GZIPInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            for (int n = 0; n < count; ) {
                var header = stream.readNBytes(TAR_BLOCK);
                int size = Integer.parseInt(new String(header, TAR_SIZE, TAR_SIZE_DIGITS), 8);
                var content = stream.readNBytes((size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
                if (size == 0) continue;
                var picture = ImageIO.read(new ByteArrayInputStream(content, 0, size));
                fill(picture, values, n++ * 3 * 32 * 32);
            }
        }
        return new Samples(Shape.of(3, 32, 32), values, new int[count]);
    }

    /** MNIST's IDX: a header of 16 bytes before the pictures, of 8 before the labels. */
    static Samples digits(Path images, Path numbers, float mean, float std, float range) throws IOException {
        var pixels = unzipped(images);
        var digits = unzipped(numbers);
        var values = new float[pixels.length - 16];
        var labels = new int[digits.length - 8];
        for (int i = 0; i < values.length; i++) values[i] = ((pixels[16 + i] & 0xff) / range - mean) / std;
        for (int i = 0; i < labels.length; i++) labels[i] = digits[8 + i];
        return new Samples(Shape.of(1, 28, 28), values, labels);
    }

    /** A picture of the network's own size as its input. */
    static Tensor picture(Path file) throws IOException {
        var picture = ImageIO.read(file.toFile());
        var values = new float[3 * picture.getHeight() * picture.getWidth()];
        fill(picture, values, 0);
        return Tensor.of(Shape.of(1, 3, picture.getHeight(), picture.getWidth()), values);
    }

    private static void fill(BufferedImage picture, float[] values, int from) {
        int height = picture.getHeight(), width = picture.getWidth();
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                    values[from + (c * height + y) * width + x] = normalised(picture.getRGB(x, y) >> 16 - 8 * c & 0xff, c);
    }

    private static float normalised(int level, int channel) {
        return (level / 255f - MEAN[channel]) / STD[channel];
    }

    private static byte[] unzipped(Path file) throws IOException {
        try (var stream = new GZIPInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            return stream.readAllBytes();
        }
    }
}
