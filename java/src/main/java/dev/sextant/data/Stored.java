// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Labels;
import dev.sextant.image.Picture;
import java.util.Arrays;

/** Samples in memory, all of one size. Each is an array of its own: no length has to be believed before its bytes are there. */
final class Stored implements Dataset {
    private final String name;
    private final Labels labels;
    private final int channels, height, width;
    private final byte[][] planes;
    private final byte[] classes;

    /** @param planes {@code channels height width} of each sample; whoever makes this gives the arrays away */
    Stored(String name, Labels labels, int channels, int height, int width, byte[][] planes, byte[] classes) {
        this.name = name;
        this.labels = labels;
        this.channels = channels;
        this.height = height;
        this.width = width;
        this.planes = planes;
        this.classes = classes;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int size() {
        return planes.length;
    }

    @Override
    public Labels labels() {
        return labels;
    }

    @Override
    public int label(int i) {
        return classes[i] & 0xff;
    }

    int channels() {
        return channels;
    }

    int height() {
        return height;
    }

    int width() {
        return width;
    }

    /** The sample itself, not to be written to. */
    byte[] planes(int i) {
        return planes[i];
    }

    @Override
    public Picture picture(int i) {
        if (channels == 1) return Picture.gray(width, height, planes[i]);
        int plane = height * width;
        var samples = new byte[3 * plane];
        for (int c = 0; c < 3; c++) for (int p = 0; p < plane; p++) samples[3 * p + c] = planes[i][c * plane + p];
        return Picture.rgb(width, height, samples);
    }

    @Override
    public Stored first(int count) {
        int n = Checked.count(count, size());
        return new Stored(name, labels, channels, height, width, Arrays.copyOf(planes, n), Arrays.copyOf(classes, n));
    }

    @Override
    public String toString() {
        return name + ": " + size() + " of " + channels + "x" + height + "x" + width + ", " + labels.size() + " classes";
    }
}
