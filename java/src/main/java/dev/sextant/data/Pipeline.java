// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.data.Augmentation.Crop;
import dev.sextant.data.Augmentation.Cutout;
import dev.sextant.data.Augmentation.Flip;
import dev.sextant.data.Augmentation.Jitter;
import dev.sextant.data.Augmentation.Lighting;
import dev.sextant.data.Augmentation.Mixup;
import dev.sextant.data.Augmentation.ResizedCrop;
import dev.sextant.image.Preprocessing;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * From samples to a network's input, float32 {@code c h w}: the network's preprocessing and what {@link Augmentation} says, in
 * its order. One thread's, with its scratch memory; nothing is allocated for a sample in memory that has the network's size.
 */
final class Pipeline {
    /** Random numbers for the samples themselves, and for how they are mixed. */
    private static final int SAMPLE = 1, MIXTURE = 2;

    private final Dataset data;
    private final Preprocessing preprocessing, atSize;
    private final List<Augmentation> augmentations;
    private final long seed;
    private final int channels, height, width, plane;
    private final boolean ready, coloured;
    private final ResizedCrop resized;
    private final Cutout cutout;
    private final Mixup mixup;
    private final float[][] table;
    private final SampleRandom random = new SampleRandom();
    private final float[] first;
    private final byte[] front, back;

    Pipeline(Dataset data, Preprocessing preprocessing, List<Augmentation> augmentations, long seed) {
        this.data = data;
        this.preprocessing = preprocessing;
        this.augmentations = augmentations;
        this.seed = seed;
        channels = preprocessing.channels();
        height = preprocessing.height();
        width = preprocessing.width();
        plane = height * width;
        resized = find(ResizedCrop.class);
        cutout = find(Cutout.class);
        mixup = find(Mixup.class);
        coloured = find(Jitter.class) != null || find(Lighting.class) != null;
        if (find(Lighting.class) != null && channels != 3) {
            throw new IllegalArgumentException("augmentations: lighting expects pictures of 3 channels, the network takes "
                + channels);
        }
        atSize = new Preprocessing(channels, Preprocessing.Fit.SHORTER_SIDE, Math.min(height, width), height, width,
            preprocessing.divisor(), preprocessing.mean(), preprocessing.std(), preprocessing.invert(), preprocessing.filter());
        boolean kept = preprocessing.fit() == Preprocessing.Fit.SHORTER_SIDE ? preprocessing.resize() == Math.min(height, width)
            : preprocessing.resize() == height && height == width;
        ready = kept && resized == null && data instanceof Stored stored && stored.channels() == channels
            && stored.height() == height && stored.width() == width;
        table = new float[channels][256];
        for (int c = 0; c < channels; c++) {
            float mean = preprocessing.mean().get(c), std = preprocessing.std().get(c);
            for (int v = 0; v < 256; v++) table[c][v] = (v / preprocessing.divisor() - mean) / std;
        }
        front = new byte[channels * plane];
        back = new byte[channels * plane];
        first = new float[mixup == null ? 0 : channels * plane];
    }

    private <A extends Augmentation> A find(Class<A> type) {
        for (var augmentation : augmentations) if (type.isInstance(augmentation)) return type.cast(augmentation);
        return null;
    }

    /** Writes sample {@code i} as it is in {@code epoch} to {@code values} from {@code at}. */
    void fill(int i, long epoch, float[] values, int at) throws IOException {
        random.begin(seed, epoch, i, SAMPLE);
        var planes = geometry(levels(i));
        if (coloured) {
            colour(planes, values, at);
        } else {
            for (int c = 0; c < channels; c++) {
                var levels = table[c];
                for (int p = c * plane; p < (c + 1) * plane; p++) values[at + p] = levels[planes[p] & 0xff];
            }
        }
        if (cutout != null) cut(values, at);
    }

    /** The sample's 8-bit planes at the network's size; not to be written to. */
    private byte[] levels(int i) throws IOException {
        if (ready) {
            var planes = ((Stored) data).planes(i);
            boolean invert = preprocessing.invert() == Preprocessing.Invert.AUTO && isBright(planes);
            return invert ? inverted(planes) : planes;
        }
        var picture = data.picture(i);
        if (resized == null) return picture.planes(preprocessing);
        return Geometry.part(picture, resized.smallest(), random).resized(width, height, preprocessing.filter()).planes(atSize);
    }

    /** Whether the outermost pixels exceed 127 on average, see {@link Preprocessing.Invert#AUTO}. */
    private boolean isBright(byte[] planes) {
        long sum = 0, count = 0;
        for (int c = 0; c < channels; c++) {
            for (int y = 0; y < height; y++) {
                int step = y == 0 || y == height - 1 ? 1 : Math.max(1, width - 1);
                for (int x = 0; x < width; x += step, count++) sum += planes[c * plane + y * width + x] & 0xff;
            }
        }
        return sum > 127 * count;
    }

    private byte[] inverted(byte[] planes) {
        for (int p = 0; p < planes.length; p++) front[p] = (byte) ~planes[p];
        return front;
    }

    private byte[] geometry(byte[] planes) {
        for (var augmentation : augmentations) {
            if (augmentation instanceof Flip && random.coin()) {
                Geometry.flip(planes, other(planes), channels * height, width);
                planes = other(planes);
            } else if (augmentation instanceof Crop(int pad)) {
                int dy = random.below(2 * pad + 1) - pad, dx = random.below(2 * pad + 1) - pad;
                Geometry.shift(planes, other(planes), channels, height, width, dy, dx);
                planes = other(planes);
            }
        }
        return planes;
    }

    /** A scratch array other than {@code planes}. */
    private byte[] other(byte[] planes) {
        return planes == front ? back : front;
    }

    private void colour(byte[] planes, float[] values, int at) {
        for (int p = 0; p < planes.length; p++) values[at + p] = (planes[p] & 0xff) / 255f;
        for (var augmentation : augmentations) {
            if (augmentation instanceof Jitter jitter) Colour.jitter(values, at, channels, plane, jitter, random);
            else if (augmentation instanceof Lighting(double deviation)) Colour.lighting(values, at, plane, deviation, random);
        }
        for (int c = 0; c < channels; c++) {
            float scale = 255 / preprocessing.divisor(), mean = preprocessing.mean().get(c), std = preprocessing.std().get(c);
            for (int p = at + c * plane; p < at + (c + 1) * plane; p++) values[p] = (values[p] * scale - mean) / std;
        }
    }

    private void cut(float[] values, int at) {
        int top = random.below(height) - cutout.size() / 2, left = random.below(width) - cutout.size() / 2;
        int from = Math.max(0, left), to = Math.min(width, left + cutout.size());
        for (int c = 0; c < channels; c++) {
            for (int y = Math.max(0, top); y < Math.min(height, top + cutout.size()); y++) {
                int row = at + c * plane + y * width;
                Arrays.fill(values, row + from, row + to, 0);
            }
        }
    }

    /** The targets of a batch, {@code count} rows of {@code classes}, and its mixup; {@code samples} are the rows' numbers. */
    void finish(int[] samples, int count, long epoch, float[] images, float[] targets) {
        int classes = data.labels().size(), each = channels * plane;
        Arrays.fill(targets, 0);
        if (mixup != null) System.arraycopy(images, 0, first, 0, each);
        for (int n = 0; n < count; n++) {
            int row = n * classes;
            if (mixup == null) {
                targets[row + data.label(samples[n])] = 1;
                continue;
            }
            float share = (float) random.begin(seed, epoch, samples[n], MIXTURE).beta(mixup.alpha());
            boolean last = n == count - 1; // is mixed with the first, as that was
            targets[row + data.label(samples[n])] += share;
            targets[row + data.label(samples[last ? 0 : n + 1])] += 1 - share;
            var other = last ? first : images;
            int mine = n * each, others = last ? 0 : mine + each;
            for (int p = 0; p < each; p++) images[mine + p] = share * images[mine + p] + (1 - share) * other[others + p];
        }
    }
}
