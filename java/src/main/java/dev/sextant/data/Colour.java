// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

/** Changes of colour on planes {@code c h w} of values from 0 to 1. */
final class Colour {
    /** Principal components of ImageNet's colours, from 0 to 1: deviations, and a column of red, green, blue for each. */
    private static final double[] EIGENVALUES = {0.2175, 0.0188, 0.0045};
    private static final double[][] EIGENVECTORS = {
        {-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
    /** Luma of ITU-R BT.601. */
    private static final float RED = 0.299f, GREEN = 0.587f, BLUE = 0.114f;

    private Colour() {}

    static void jitter(float[] values, int at, int channels, int plane, Augmentation.Jitter jitter, SampleRandom random) {
        float brightness = factor(jitter.brightness(), random), contrast = factor(jitter.contrast(), random);
        float saturation = factor(jitter.saturation(), random);
        int first = random.below(3), direction = 1 + random.below(2); // one of the six orders
        for (int i = 0; i < 3; i++) {
            switch ((first + i * direction) % 3) {
                case 0 -> blend(values, at, channels * plane, brightness, 0);
                case 1 -> blend(values, at, channels * plane, contrast, meanGray(values, at, channels, plane));
                default -> {
                    if (channels == 3) saturate(values, at, plane, saturation);
                }
            }
        }
    }

    private static float factor(double strength, SampleRandom random) {
        return (float) random.uniform(Math.max(0, 1 - strength), 1 + strength);
    }

    private static void blend(float[] values, int at, int count, float factor, float other) {
        for (int i = at; i < at + count; i++) values[i] = Math.clamp(values[i] * factor + other * (1 - factor), 0f, 1f);
    }

    private static float meanGray(float[] values, int at, int channels, int plane) {
        double sum = 0;
        for (int i = at; i < at + plane; i++) sum += channels == 3 ? gray(values, i, plane) : values[i];
        return (float) (sum / plane);
    }

    private static void saturate(float[] values, int at, int plane, float factor) {
        for (int i = at; i < at + plane; i++) {
            float gray = gray(values, i, plane) * (1 - factor);
            for (int c = 0; c < 3; c++) values[i + c * plane] = Math.clamp(values[i + c * plane] * factor + gray, 0f, 1f);
        }
    }

    private static float gray(float[] values, int i, int plane) {
        return RED * values[i] + GREEN * values[i + plane] + BLUE * values[i + 2 * plane];
    }

    static void lighting(float[] values, int at, int plane, double deviation, SampleRandom random) {
        double a = deviation * random.normal() * EIGENVALUES[0], b = deviation * random.normal() * EIGENVALUES[1];
        double c = deviation * random.normal() * EIGENVALUES[2];
        for (int colour = 0; colour < 3; colour++) {
            var row = EIGENVECTORS[colour];
            float change = (float) (row[0] * a + row[1] * b + row[2] * c);
            for (int i = at + colour * plane; i < at + (colour + 1) * plane; i++) values[i] += change;
        }
    }
}
