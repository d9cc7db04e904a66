// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.Shape;
import dev.sextant.Shared;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PictureTest {


    /** Checksums of what Pillow 12.3 makes of the same noise: bilinear and bicubic, each as RGB and as gray. */
    @ParameterizedTest
    @CsvSource({
        "37, 53, 20, 11, e692abd3, e46ccbfb, 156db730, 38e3fd67",
        "37, 53, 100, 11, cfa915f1, 67a11914, 88f378e1, 8a23d1e4",
        "37, 53, 37, 90, 028936aa, 39168100, da77bb84, 1fc4ebd4",
        "64, 48, 34, 26, 91720d96, ffc2d526, ee7c4978, 371e7da6",
        "5, 1000, 3, 7, efd3dace, 02fc90c3, 8f7d1b26, c30e52d4",
        "1, 1, 9, 9, c708150f, 041ba260, c708150f, 041ba260",
        "300, 20, 300, 3, 23bf2c99, d8efeed5, aac83fb7, 407cc11e",
        "100, 7, 13, 7, e70d0450, 3260b88b, 3ac81cec, 5d24a492",
        "257, 255, 256, 254, 53621734, f93de1c1, b20f5c22, 499d9e28"})
    void resizingEqualsPillowInEveryByte(int width, int height, int toWidth, int toHeight, String rgb, String gray, String cubicRgb,
            String cubicGray) {
        var samples = Noise.samples(3 * width * height);
        var three = new Pixels(width, height, 3, samples);
        var one = new Pixels(width, height, 1, Arrays.copyOf(samples, width * height));
        assertEquals(rgb, Noise.crc(Resample.resize(three, toWidth, toHeight, Filter.BILINEAR).samples()));
        assertEquals(gray, Noise.crc(Resample.resize(one, toWidth, toHeight, Filter.BILINEAR).samples()));
        assertEquals(cubicRgb, Noise.crc(Resample.resize(three, toWidth, toHeight, Filter.BICUBIC).samples()));
        assertEquals(cubicGray, Noise.crc(Resample.resize(one, toWidth, toHeight, Filter.BICUBIC).samples()));
    }

    /** The same of photographs, made 97x61 and 300x251. */
    @ParameterizedTest
    @CsvSource({
        "goldfish, 37897025, df3494de, c46da94f, 2983d014",
        "jack_o_lantern, f8160062, 1d4fbf4b, 29238222, e7e80590",
        "kitten, 6404625f, e3220f90, 3771ee86, 57e74ea0",
        "waffle_iron, 78d4c8a4, 253ed10a, 5449c2b1, 20fcbed0"})
    void photosAreResizedAsByPillow(String name, String less, String lessCubic, String more, String moreCubic) throws IOException {
        var picture = Picture.read(Shared.path("data/images/224/" + name + ".png"));
        assertEquals(less, Noise.crc(picture.resized(97, 61, Filter.BILINEAR).samples()));
        assertEquals(lessCubic, Noise.crc(picture.resized(97, 61, Filter.BICUBIC).samples()));
        assertEquals(more, Noise.crc(picture.resized(300, 251, Filter.BILINEAR).samples()));
        assertEquals(moreCubic, Noise.crc(picture.resized(300, 251, Filter.BICUBIC).samples()));
    }

    @Test
    void lumaEqualsPillowInEveryBit() {
        assertEquals("f4a4ff72", Noise.crc(new Pixels(64, 48, 3, Noise.samples(3 * 64 * 48)).toGray().samples()));
    }

    /**
     * Checksums of what torchvision 0.28 makes of the same noise: Resize(256) and CenterCrop(224), Resize(32) and CenterCrop(35),
     * Grayscale, Resize((28, 28)) and CenterCrop(33), each with ToTensor and Normalize.
     */
    @ParameterizedTest
    @CsvSource({
        "300, 257, 1898cff1, 7033c30d, f3566d36",
        "257, 300, 0bf0e040, 486c0185, 6a963638",
        "1000, 224, b99692f7, bb5c0a15, 0ca170eb",
        "30, 20, 55d81f58, cf03a0f0, 92049ab6",
        "224, 224, c63f1446, 822c3c94, e08c66d6",
        "256, 256, d775b9ad, c8b40fdc, c860db15",
        "255, 301, 9a2b7c4a, bf8f0a5e, 6ad4cf22"})
    void tensorsEqualTorchvisionInEveryBit(int width, int height, String imagenet, String padded, String gray) {
        var picture = Noise.picture(width, height);
        assertEquals(imagenet, Noise.crc(picture.tensor(Preprocessing.IMAGENET).toArray()));
        assertEquals(padded, Noise.crc(picture.tensor(Preprocessing.CIFAR10.crop(35, 35)).toArray()));
        var mnist = Preprocessing.MNIST;
        var plain = new Preprocessing(1, mnist.fit(), 28, 33, 33, 255, mnist.mean(), mnist.std(), Preprocessing.Invert.NEVER,
            Filter.BILINEAR);
        assertEquals(gray, Noise.crc(picture.tensor(plain).toArray()));
    }

    @Test
    void planesLieInOrderRedGreenBlue() {
        var picture = Picture.rgb(2, 1, new byte[] {10, 20, 30, 40, 50, 60});
        var plain = new Preprocessing(3, Preprocessing.Fit.SHORTER_SIDE, 1, 1, 2, 1, List.of(0f, 0f, 0f), List.of(1f, 1f, 1f),
            Preprocessing.Invert.NEVER, Filter.BILINEAR);
        var tensor = picture.tensor(plain);
        assertEquals(Shape.of(1, 3, 1, 2), tensor.shape());
        assertArrayEquals(new float[] {10, 40, 20, 50, 30, 60}, tensor.toArray());
        var batch = Picture.batch(List.of(picture, Picture.rgb(2, 1, new byte[6])), plain);
        assertEquals(Shape.of(2, 3, 1, 2), batch.shape());
        assertArrayEquals(tensor.toArray(), batch.slice(0).toArray());
        assertArrayEquals(new float[6], batch.slice(1).toArray());
    }

    @Test
    void aDarkDigitOnPaperEqualsALightOneOnBlack() {
        var light = new byte[40 * 40];
        for (int y = 10; y < 30; y++) light[40 * y + 20] = (byte) 250;
        var dark = light.clone();
        for (int i = 0; i < dark.length; i++) dark[i] = (byte) ~dark[i];
        var expected = Picture.gray(40, 40, light).tensor(Preprocessing.MNIST_32);
        var found = Picture.gray(40, 40, dark).tensor(Preprocessing.MNIST_32);
        for (int i = 0; i < 32 * 32; i++) assertEquals(expected.get(i), found.get(i), 1.01f / 255 / 0.3081f, "at " + i);
        assertEquals((0 - 0.1307f) / 0.3081f, found.get(0), "the frame is black, as the background");
    }

    @Test
    void noMnistDigitIsInverted() throws IOException {
        var bytes = new GZIPInputStream(Files.newInputStream(Shared.path("data/mnist/t10k-images-idx3-ubyte.gz"))).readAllBytes();
        for (int i = 0; i < 10_000; i++) {
            var digit = Arrays.copyOfRange(bytes, 16 + 784 * i, 16 + 784 * (i + 1));
            var tensor = Picture.gray(28, 28, digit).tensor(Preprocessing.MNIST_CAFFE);
            var expected = new float[784];
            for (int p = 0; p < 784; p++) expected[p] = (digit[p] & 0xff) / 256f;
            assertArrayEquals(expected, tensor.toArray());
        }
    }

    /** The expectations are PIL.ImageOps.exif_transpose's: mirrored, turned, both. */
    @ParameterizedTest
    @CsvSource({"1, abc/def", "2, cba/fed", "3, fed/cba", "4, def/abc", "5, ad/be/cf", "6, da/eb/fc", "7, fc/eb/da", "8, cf/be/ad"})
    void everyOrientationComesUpright(int orientation, String rows) {
        var upright = new Pixels(3, 2, 1, "abcdef".getBytes(StandardCharsets.US_ASCII)).upright(orientation);
        assertEquals(rows.replace("/", ""), new String(upright.samples(), StandardCharsets.US_ASCII));
        assertEquals(rows.indexOf('/'), upright.width());
    }

    @Test
    void wrongSamplesAndSidesAreNamed() {
        var e = assertThrows(IllegalArgumentException.class, () -> Picture.rgb(2, 2, new byte[11]));
        assertEquals("picture: 2x2 rgb expects at least one pixel and 12 samples, found 11", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Picture.gray(0, 5, new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> Picture.gray(-1, -5, new byte[5]));
        assertThrows(IllegalArgumentException.class, () -> Picture.rgb(1 << 16, 1 << 16, new byte[0]));
        var ribbon = Picture.gray(1, 1_000_000, new byte[1_000_000]);
        assertThrows(IllegalArgumentException.class, () -> ribbon.tensor(Preprocessing.IMAGENET));
    }

    @Test
    void aPictureIsAValue() {
        var samples = Noise.samples(12);
        var picture = Picture.rgb(2, 2, samples);
        assertEquals(picture, Picture.rgb(2, 2, samples.clone()));
        samples[0]++;
        picture.samples()[1]++;
        assertEquals(Noise.picture(2, 2), picture);
    }

    /** Planes are the levels behind a tensor: without mean and deviation, the tensor times 255. */
    @ParameterizedTest
    @CsvSource({"3, 40, 30", "1, 40, 30", "3, 28, 28", "1, 28, 28", "3, 9, 50"})
    void planesAreTheTensorsLevels(int channels, int width, int height) {
        var zeros = List.of(0f, 0f, 0f).subList(0, channels);
        var ones = List.of(1f, 1f, 1f).subList(0, channels);
        for (var fit : Preprocessing.Fit.values()) {
            var preprocessing = new Preprocessing(channels, fit, 28, 25, 27, 1, zeros, ones, Preprocessing.Invert.AUTO,
                Filter.BILINEAR);
            var picture = Noise.picture(width, height);
            var planes = picture.planes(preprocessing);
            var values = picture.tensor(preprocessing).toArray();
            for (int i = 0; i < values.length; i++) assertEquals(values[i], planes[i] & 0xff);
        }
    }

    @Test
    void planesAreTheCallersOwn() {
        var picture = Picture.gray(28, 28, new byte[28 * 28]);
        picture.planes(Preprocessing.MNIST)[5] = 1;
        assertEquals(0, picture.planes(Preprocessing.MNIST)[5]);
    }

    @Test
    void partsAndSizes() {
        var picture = Noise.picture(10, 7);
        var part = picture.part(3, 2, 5, 4);
        assertEquals("Picture 5x4", part.toString());
        for (int y = 0; y < 4; y++) {
            for (int i = 0; i < 15; i++) assertEquals(picture.samples()[((y + 2) * 10 + 3) * 3 + i], part.samples()[y * 15 + i]);
        }
        assertEquals(picture, picture.part(0, 0, 10, 7));
        var resized = Resample.resize(new Pixels(10, 7, 3, picture.samples()), 4, 9, Filter.BICUBIC);
        assertArrayEquals(resized.samples(), picture.resized(4, 9, Filter.BICUBIC).samples());
        assertEquals("picture: expected a part within 10x7, found 5x4 at column 6, row 2",
            assertThrows(IllegalArgumentException.class, () -> picture.part(6, 2, 5, 4)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> picture.part(0, Integer.MAX_VALUE, 5, 4));
        assertThrows(IllegalArgumentException.class, () -> picture.resized(0, 4, Filter.BILINEAR));
        assertThrows(IllegalArgumentException.class, () -> picture.resized(1 << 20, 1 << 20, Filter.BILINEAR));
    }

    @ParameterizedTest
    @CsvSource({"a.jpg, true", "b.JPEG, true", "x/y.webp, true", "notes.txt, false", "a.png.part, false"})
    void namesOfPictures(String name, boolean isPicture) {
        assertEquals(isPicture, Picture.hasPictureName(name));
    }
}
