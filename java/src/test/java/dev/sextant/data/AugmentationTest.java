// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.data.Augmentation.Crop;
import dev.sextant.data.Augmentation.Cutout;
import dev.sextant.data.Augmentation.Flip;
import dev.sextant.data.Augmentation.Jitter;
import dev.sextant.data.Augmentation.Lighting;
import dev.sextant.data.Augmentation.Mixup;
import dev.sextant.data.Augmentation.ResizedCrop;
import dev.sextant.image.Labels;
import dev.sextant.image.Picture;
import dev.sextant.image.Preprocessing;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each augmentation makes of a sample, and how people write them. */
class AugmentationTest {
    /** Levels as they are: what comes out is what went in, over 255. */
    private static final Preprocessing PLAIN = Preprocessing.rgb(8, 8, List.of(0f, 0f, 0f), List.of(1f, 1f, 1f));
    private static final int PLANE = 64, EACH = 3 * PLANE;

    /** Noise of levels 1 to 255, so that black comes from augmentations only. */
    private static Stored noise(int count) {
        var random = new Random(3);
        var planes = new byte[count][EACH];
        for (var sample : planes) for (int i = 0; i < EACH; i++) sample[i] = (byte) (1 + random.nextInt(255));
        return new Stored("noise", Labels.digits(), 3, 8, 8, planes, new byte[count]);
    }

    private static float[] sample(Stored data, Preprocessing preprocessing, String augmentations, int i, long epoch) {
        try {
            var values = new float[EACH];
            new Pipeline(data, preprocessing, Augmentation.parse(augmentations), 5).fill(i, epoch, values, 0);
            return values;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static float[] plain(Stored data, int i) {
        return sample(data, PLAIN, "none", i, 0);
    }

    @Test
    void lines() {
        var line = "flip,crop:4,cutout:8,mixup:0.2,jitter:0.4,lighting:0.1";
        var list = Augmentation.parse(line);
        assertEquals(List.of(new Flip(), new Crop(4), new Cutout(8), new Mixup(0.2), new Jitter(0.4, 0.4, 0.4),
            new Lighting(0.1)), list);
        assertEquals(line, Augmentation.text(list));
        assertEquals(List.of(new ResizedCrop(0.08), new Jitter(0.1, 0.2, 1)),
            Augmentation.parse(" Resized-Crop , jitter:0.1:0.2:1 "));
        assertEquals("resized-crop:0.5,jitter:0.1:0.2:1",
            Augmentation.text(Augmentation.parse("resized-crop:0.5,jitter:0.1:0.2:1.0")));
        assertEquals(List.of(), Augmentation.parse("none"));
        assertEquals(List.of(), Augmentation.parse(""));
        assertEquals("none", Augmentation.text(List.of()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '"', value = {
        "flop; cannot use 'flop': known are flip, crop:PIXELS", "flip,; cannot use '': known are", "flip:1; takes 0 numbers",
        "crop; takes 1 number after a colon", "crop:x; 'x' is no number", "crop:1.5; whole number",
        "crop:0; crop expects 1 to 512 pixels of padding, found 0", "jitter:1:2; jitter takes 1 or 3 numbers",
        "jitter:-1; jitter expects numbers from 0 to 10, found -1", "jitter:NaN; is no number", "lighting:11; found 11",
        "mixup:0; alpha from 0.01 to 100, found 0", "resized-crop:2; at most 1, found 2", "cutout:0; found 0",
        "flip,flip; expected one of flip and flip, found both",
        "crop:4,resized-crop; expected one of crop:4 and resized-crop, found both"})
    void badLinesAreExplained(String line, String part) {
        var message = assertThrows(IllegalArgumentException.class, () -> Augmentation.parse(line)).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void valuesAreThoseOfThePicturesOwnPreprocessing() throws IOException {
        var data = noise(3);
        for (var preprocessing : List.of(PLAIN, Preprocessing.CIFAR10.at(8, 8), Preprocessing.rgb(12, 8, List.of(.1f, .2f, .3f),
            List.of(.5f, .6f, .7f)))) {
            assertArrayEquals(data.picture(1).tensor(preprocessing).toArray(), sample(data, preprocessing, "none", 1, 0));
        }
        var gray = new Stored("g", Labels.digits(), 1, 28, 28, new byte[][] {new byte[784], new byte[784]}, new byte[2]);
        gray.planes(1)[400] = 100;
        Arrays.fill(gray.planes(0), (byte) 200);
        for (var preprocessing : List.of(Preprocessing.LENET5, Preprocessing.LENET5_32, Preprocessing.MNIST_CAFFE)) {
            for (int i = 0; i < 2; i++) {
                var expected = gray.picture(i).tensor(preprocessing).toArray();
                var values = new float[expected.length];
                new Pipeline(gray, preprocessing, List.of(), 0).fill(i, 0, values, 0);
                assertArrayEquals(expected, values, "bright borders are inverted as classify does");
            }
        }
    }

    @Test
    void flipsHalf() {
        var data = noise(400);
        int flipped = 0;
        for (int i = 0; i < data.size(); i++) {
            var before = plain(data, i);
            var after = sample(data, PLAIN, "flip", i, 0);
            if (before[0] == after[0] && before[1] == after[1]) {
                assertArrayEquals(before, after);
            } else {
                flipped++;
                for (int p = 0; p < EACH; p++) assertEquals(before[p], after[p / 8 * 8 + 7 - p % 8]);
            }
        }
        assertEquals(200, flipped, 40);
    }

    /** Each of the 5x5 places occurs; what comes in is black. */
    @Test
    void crops() {
        var data = noise(500);
        var seen = new int[25];
        for (int i = 0; i < data.size(); i++) {
            var before = plain(data, i);
            var after = sample(data, PLAIN, "crop:2", i, 0);
            int place = IntStream.range(0, 25).filter(s -> isShifted(before, after, s / 5 - 2,
                s % 5 - 2)).findFirst().orElseThrow();
            seen[place]++;
        }
        for (int count : seen) assertTrue(count > 3, List.of(seen) + "");
    }

    private static boolean isShifted(float[] before, float[] after, int dy, int dx) {
        for (int p = 0; p < EACH; p++) {
            int c = p / PLANE, y = p % PLANE / 8 + dy, x = p % 8 + dx;
            float expected = y < 0 || y > 7 || x < 0 || x > 7 ? 0 : before[c * PLANE + y * 8 + x];
            if (after[p] != expected) return false;
        }
        return true;
    }

    @Test
    void paddingLargerThanThePicture() {
        var data = noise(50);
        for (int i = 0; i < data.size(); i++) for (float value : sample(data, PLAIN, "crop:20", i, 0)) assertTrue(value >= 0
            && value <= 1);
    }

    /** A square about any pixel, cut where the picture ends, becomes 0 after normalisation. */
    @Test
    void cutsOut() {
        var data = noise(300);
        var preprocessing = Preprocessing.rgb(8, 8, List.of(-1f, -1f, -1f), List.of(1f, 1f, 1f));
        int whole = 0;
        for (int i = 0; i < data.size(); i++) {
            var before = sample(data, preprocessing, "none", i, 0);
            var after = sample(data, preprocessing, "cutout:4", i, 0);
            int zeros = 0;
            for (int p = 0; p < EACH; p++) {
                if (after[p] == 0) zeros++;
                else assertEquals(before[p], after[p]);
                assertEquals(after[p % PLANE] == 0, after[p] == 0, "the same square in each channel");
            }
            assertTrue(zeros >= 3 * 4 && zeros <= 3 * 16, zeros + " zeros");
            if (zeros == 3 * 16) whole++;
        }
        assertEquals(300 * 25 / 64, whole, 40);
    }

    /** The identity's numbers leave the levels; all others keep them from 0 to 1; each does what its name says. */
    @Test
    void jitters() {
        var data = noise(60);
        assertArrayEquals(plain(data, 0), sample(data, PLAIN, "jitter:0", 0, 0), 1e-6f);
        int brighter = 0;
        for (int i = 0; i < data.size(); i++) {
            var before = plain(data, i);
            for (float value : sample(data, PLAIN, "jitter:0.9", i, 0)) assertTrue(value >= 0 && value <= 1);
            var bright = sample(data, PLAIN, "jitter:0.3:0:0", i, 0);
            float factor = bright[0] / before[0];
            if (factor > 1) brighter++;
            assertTrue(factor > 0.69 && factor < 1.31, "" + factor);
            for (int p = 0; p < EACH; p++) if (bright[p] < 1 && bright[0] < 1) assertEquals(before[p] * factor, bright[p], 1e-5);
            var contrast = sample(data, PLAIN, "jitter:0:0.3:0", i, 0);
            assertEquals(gray(before), gray(contrast), 0.03, "contrast keeps the mean but for what is clipped");
            var saturation = sample(data, PLAIN, "jitter:0:0:0.2", i, 0);
            for (int p = 0; p < PLANE; p++) {
                if (isInside(saturation, p)) assertEquals(gray(before, p), gray(saturation, p), 1e-5,
                    "saturation keeps the luma");
            }
        }
        assertEquals(30, brighter, 15);
    }

    private static boolean isInside(float[] values, int p) {
        return IntStream.range(0, 3).allMatch(c -> values[c * PLANE + p] > 0 && values[c * PLANE + p] < 1);
    }

    private static double gray(float[] values, int p) {
        return 0.299 * values[p] + 0.587 * values[PLANE + p] + 0.114 * values[2 * PLANE + p];
    }

    private static double gray(float[] values) {
        return IntStream.range(0, PLANE).mapToDouble(p -> gray(values, p)).average().orElseThrow();
    }

    /** One change for each colour, of a covariance that is AlexNet's: V diag((0.1 lambda)^2) V'. */
    @Test
    void lightsAlongPrincipalComponents() {
        var data = noise(4000);
        double[] values = {0.2175, 0.0188, 0.0045};
        double[][] vectors = {{-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
        var found = new double[3][3];
        for (int i = 0; i < data.size(); i++) {
            var before = plain(data, i);
            var after = sample(data, PLAIN, "lighting:0.1", i, 0);
            var change = new double[3];
            for (int c = 0; c < 3; c++) {
                change[c] = after[c * PLANE] - before[c * PLANE];
                for (int p = 0; p < PLANE; p++) assertEquals(change[c], after[c * PLANE + p] - before[c * PLANE + p], 1e-6);
            }
            for (int a = 0; a < 3; a++) for (int b = 0; b < 3; b++) found[a][b] += change[a] * change[b] / data.size();
        }
        for (int a = 0; a < 3; a++) {
            for (int b = 0; b < 3; b++) {
                double expected = 0;
                for (int k = 0; k < 3; k++) expected += vectors[a][k] * vectors[b][k] * values[k] * values[k] * 0.01;
                assertEquals(expected, found[a][b], 0.1 * Math.abs(expected) + 1e-6);
            }
        }
        var message = assertThrows(IllegalArgumentException.class,
            () -> new Pipeline(data, Preprocessing.MNIST, Augmentation.parse("lighting:0.1"), 0)).getMessage();
        assertTrue(message.contains("3 channels, the network takes 1"), message);
    }

    /** A ramp keeps its direction whatever part is taken; areas and proportions are those asked for. */
    @ParameterizedTest
    @ValueSource(doubles = {0.08, 0.5, 1})
    void takesParts(double smallest) {
        var ramp = new byte[3 * 90 * 60];
        for (int y = 0; y < 60; y++) for (int x = 0; x < 90; x++) ramp[3 * (y * 90 + x)] = (byte) (2 * x);
        var picture = Picture.rgb(90, 60, ramp);
        var random = new SampleRandom();
        double least = 1, most = 0;
        for (int i = 0; i < 500; i++) {
            var part = Geometry.part(picture, smallest, random.begin(1, 2, i, 1));
            double area = part.width() * part.height() / 5400.0, ratio = (double) part.width() / part.height();
            assertTrue(area > smallest * 0.9 - 0.01 || smallest == 1, area + " of the area");
            assertTrue(ratio > 0.7 && ratio < 1.4, "proportion " + ratio);
            int first = part.samples()[0] & 0xff, last = part.samples()[3 * (part.width() - 1)] & 0xff;
            assertEquals(2 * (part.width() - 1), last - first);
            least = Math.min(least, area);
            most = Math.max(most, area);
        }
        if (smallest == 0.08) assertTrue(least < 0.15 && most > 0.6, least + " to " + most);
        var narrow = Geometry.part(Picture.gray(1, 100, new byte[100]), 1, random.begin(1, 1, 1, 1));
        assertEquals("Picture 1x1", narrow.toString(), "the centre of the nearest proportion");
    }

    @Test
    void resizedPartsHaveTheNetworksSize() {
        var data = noise(20);
        var first = sample(data, PLAIN, "resized-crop,flip", 3, 0);
        assertArrayEquals(first, sample(data, PLAIN, "flip,resized-crop", 3, 0), "the part is always taken first");
        for (float value : first) assertTrue(value >= 0 && value <= 1);
    }

    /** The same sample differs from epoch to epoch and from its neighbour, and only by these. */
    @Test
    void chanceIsOfSeedEpochAndSampleAlone() {
        var data = noise(2);
        var once = sample(data, PLAIN, "flip,crop:3,jitter:0.4,lighting:0.1,cutout:3", 1, 7);
        assertArrayEquals(once, sample(data, PLAIN, "flip,crop:3,jitter:0.4,lighting:0.1,cutout:3", 1, 7));
        long different = IntStream.range(0, 50).filter(epoch ->
            !Arrays.equals(once, sample(data, PLAIN, "flip,crop:3,jitter:0.4,lighting:0.1,cutout:3", 1, epoch))).count();
        assertEquals(49, different);
    }

    /** Of Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)). */
    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.2, 1, 5})
    void betaDistribution(double alpha) {
        var random = new SampleRandom().begin(1, 2, 3, 4);
        double sum = 0, squares = 0;
        int count = 20_000;
        for (int i = 0; i < count; i++) {
            double x = random.beta(alpha);
            assertTrue(x >= 0 && x <= 1, x + "");
            sum += x;
            squares += (x - 0.5) * (x - 0.5);
        }
        assertEquals(0.5, sum / count, 0.02);
        assertEquals(1 / (4 * (2 * alpha + 1)), squares / count, 0.01);
    }

    @Test
    void uniformAndNormal() {
        var random = new SampleRandom().begin(9, 9, 9, 9);
        var counts = new int[7];
        double sum = 0, squares = 0;
        for (int i = 0; i < 70_000; i++) {
            counts[random.below(7)]++;
            double x = random.normal();
            sum += x;
            squares += x * x;
        }
        for (int count : counts) assertEquals(10_000, count, 400);
        assertEquals(0, sum / 70_000, 0.02);
        assertEquals(1, squares / 70_000, 0.02);
    }
}
