// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sextant.Shared;
import dev.sextant.io.FormatException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PictureFileTest {
    @TempDir
    Path folder;

    private Path written(BufferedImage image, String format) throws IOException {
        var file = folder.resolve("picture." + format);
        assertTrue(ImageIO.write(image, format, file.toFile()), format);
        return file;
    }

    private static BufferedImage noise(int type) {
        var image = new BufferedImage(19, 13, type);
        var random = new Random(4);
        for (int y = 0; y < 13; y++) for (int x = 0; x < 19; x++) image.setRGB(x, y, random.nextInt());
        return image;
    }

    /** Size and channel means of what Pillow 12.3 decodes and turns upright; no means where it refuses, or where we do. */
    @ParameterizedTest
    @CsvSource({
        "arithmetic_coded.jpg,,,", "corrupt_header.png,,,", "corrupt_stream.png,,,", "precision_12bit.jpg,,,",
        "truncated_baseline.jpg,,,", "truncated_end_chunk.png,,,", "truncated_progressive.jpg,,,",
        "baseline_420.jpg, 227, 149, 146.42 90.53 81.53",
        "cmyk_adobe.jpg, 100, 100, 30.23 5.44 7.39",
        "exif_orientation_2.jpg, 128, 128, 89.68 80.05 95.31",
        "exif_orientation_3.jpg, 128, 128, 89.68 80.05 95.31",
        "exif_orientation_4.jpg, 128, 128, 89.68 80.05 95.31",
        "exif_orientation_5.jpg, 128, 128, 89.67 80.08 95.34",
        "exif_orientation_6.jpg, 128, 128, 89.67 80.08 95.34",
        "exif_orientation_7.jpg, 128, 128, 89.68 80.08 95.34",
        "exif_orientation_8.jpg, 128, 128, 89.68 80.08 95.34",
        "gray16_trns.png, 64, 64, 123.91 123.91 123.91",
        "gray_1x1.jpg, 1, 1, 0 0 0",
        "gray_alpha_stored.png, 128, 128, 46.73 46.73 46.73",
        "gray_cat.jpg, 480, 360, 125.76 125.76 125.76",
        "gray_hopper.jpg, 128, 128, 84.69 84.69 84.69",
        "hopper.jpg, 128, 128, 89.72 80.08 95.41",
        "palette_interlaced.png, 162, 150, 20.92 19.57 2.35",
        "progressive.jpg, 256, 160, 119.82 120.24 102.86",
        "rgb16.png, 149, 227, 82.25 98.47 110.67",
        "rgb_adobe_restart.jpg, 100, 100, 28.00 4.49 3.50",
        "rgba_interlaced.png, 162, 150, 21.17 19.63 2.63",
        "sof1_16bit_qtables.jpg, 128, 128, 90.13 80.28 94.80",
        "subsampling_422.jpg, 640, 480, 93.15 95.88 118.65"})
    void oddFilesDecodeAsPillowDecodesThem(String name, Integer width, Integer height, String means) throws IOException {
        var file = Shared.path("data/images/odd/" + name);
        if (means == null) {
            var e = assertThrows(FormatException.class, () -> Picture.read(file));
            assertTrue(e.getMessage().startsWith(file + ": ") && !e.getMessage().contains("\n"), e.getMessage());
            return;
        }
        var picture = Picture.read(file);
        assertEquals(width + "x" + height, picture.width() + "x" + picture.height());
        var expected = means.split(" ");
        var samples = picture.samples();
        for (int c = 0; c < 3; c++) {
            double sum = 0;
            for (int i = c; i < samples.length; i += 3) sum += samples[i] & 0xff;
            assertEquals(Double.parseDouble(expected[c]), sum / (width * height), 2, "mean of channel " + c);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8})
    void turnedPicturesShowTheSameUpright(int orientation) throws IOException {
        var expected = Picture.read(Shared.path("data/images/odd/hopper.jpg")).samples();
        var found = Picture.read(Shared.path("data/images/odd/exif_orientation_" + orientation + ".jpg")).samples();
        double difference = 0;
        for (int i = 0; i < expected.length; i++) difference += Math.abs((expected[i] & 0xff) - (found[i] & 0xff));
        assertTrue(difference / expected.length < 5, "mean difference " + difference / expected.length);
    }

    /**
     * Photo to network input, against what Pillow made of the photo; only the JPEG decoders may differ, by little. (The fourth, jack_o_lantern, was
     * resized by another rule for the longer side.)
     */
    @ParameterizedTest
    @ValueSource(strings = {"kitten", "goldfish", "waffle_iron"})
    void photosBecomeTheKnownInputs(String name) throws IOException {
        var found = Picture.read(Shared.path("data/images/photos/" + name + ".jpg")).tensor(Preprocessing.IMAGENET);
        var input = Picture.read(Shared.path("data/images/224/" + name + ".png"));
        assertEquals("224x224", input.width() + "x" + input.height());
        var exact = new Preprocessing(3, Preprocessing.Fit.STRETCH, 224, 224, 224, 255, Preprocessing.IMAGENET.mean(),
            Preprocessing.IMAGENET.std(), Preprocessing.Invert.NEVER);
        var expected = input.tensor(exact);
        float level = 1 / 255f / 0.224f;
        for (int i = 0; i < expected.shape().elements(); i++) assertEquals(expected.get(i), found.get(i), 4 * level, "element " + i);
    }

    @ParameterizedTest
    @CsvSource({"png, 5", "bmp, 5", "tif, 5", "png, 6", "png, 2", "tif, 2", "png, 13", "gif, 13", "bmp, 13"})
    void losslessFormatsKeepEveryColour(String format, int type) throws IOException {
        var image = noise(type);
        var samples = Picture.read(written(image, format)).samples();
        for (int y = 0; y < 13; y++) {
            for (int x = 0; x < 19; x++) {
                int at = 3 * (19 * y + x);
                int rgb = (samples[at] & 0xff) << 16 | (samples[at + 1] & 0xff) << 8 | samples[at + 2] & 0xff;
                assertEquals(image.getRGB(x, y) & 0xffffff, rgb, x + "," + y + ": transparency is dropped, not blended");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "bmp", "tif", "gif"})
    void graySamplesAreNotBrightened(String format) throws IOException {
        var image = new BufferedImage(256, 1, BufferedImage.TYPE_BYTE_GRAY);
        for (int x = 0; x < 256; x++) image.getRaster().setSample(x, 0, 0, x);
        var samples = Picture.read(written(image, format)).samples();
        for (int x = 0; x < 256; x++) assertEquals(x, samples[3 * x + 1] & 0xff);
    }

    @Test
    void sixteenBitsLoseTheirLowerEight() throws IOException {
        var image = new BufferedImage(256, 1, BufferedImage.TYPE_USHORT_GRAY);
        for (int x = 0; x < 256; x++) image.getRaster().setSample(x, 0, 0, 257 * x);
        var samples = Picture.read(written(image, "png")).samples();
        for (int x = 0; x < 256; x++) assertEquals(x, samples[3 * x] & 0xff);
    }

    @Test
    void aPngWithOrientationIsTurned() throws IOException {
        var plain = Files.readAllBytes(written(noise(BufferedImage.TYPE_3BYTE_BGR), "png"));
        // Big-endian TIFF: one directory entry at byte 8, orientation (0x112), one short, 6.
        var exif = HexFormat.of().parseHex("4d4d002a00000008" + "0001" + "0112" + "0003" + "00000001" + "00060000" + "00000000");
        var chunk = ByteBuffer.allocate(12 + exif.length).putInt(exif.length).put("eXIf".getBytes(StandardCharsets.US_ASCII)).put(exif);
        var crc = new CRC32();
        crc.update(chunk.array(), 4, 4 + exif.length);
        chunk.putInt((int) crc.getValue());
        var out = new ByteArrayOutputStream();
        out.write(plain, 0, 33);
        out.writeBytes(chunk.array());
        out.write(plain, 33, plain.length - 33);
        var file = folder.resolve("turned.png");
        Files.write(file, out.toByteArray());
        var picture = Picture.read(file);
        assertEquals("13x19", picture.width() + "x" + picture.height());
    }

    @Test
    void aHeaderAloneCostsNoMemory() throws IOException {
        var png = Files.readAllBytes(written(noise(BufferedImage.TYPE_3BYTE_BGR), "png"));
        var file = folder.resolve("claims.png");
        for (int side : new int[] {11_000, 60_000, -1}) {
            ByteBuffer.wrap(png).putInt(16, side).putInt(20, side);
            Files.write(file, png);
            var e = assertThrows(FormatException.class, () -> Picture.read(file));
            assertTrue(e.getMessage().contains(Integer.toUnsignedString(side) + "x" + Integer.toUnsignedString(side)), e.getMessage());
        }
    }

    @Test
    void whatIsNoPictureIsNamed() throws IOException {
        var file = folder.resolve("a.jpg");
        Files.write(file, new byte[0]);
        assertEquals(file + ": expected a picture, the file is empty", assertThrows(FormatException.class, () -> Picture.read(file)).getMessage());
        Files.writeString(file, "hello, world");
        var e = assertThrows(FormatException.class, () -> Picture.read(file));
        assertEquals(file + ": expected a picture (JPEG, PNG, BMP, GIF, TIFF or WebP), no reader knows this kind of file", e.getMessage());
        assertThrows(IOException.class, () -> Picture.read(folder.resolve("none.png")));
        assertThrows(IOException.class, () -> Picture.read(folder));
    }

    @Test
    void webpIsKnown() {
        assertTrue(Arrays.asList(ImageIO.getReaderFormatNames()).contains("webp"), "TwelveMonkeys' readers are found");
    }

    @ParameterizedTest
    @ValueSource(strings = {"jpg", "png", "gif", "bmp", "tif"})
    void damagedFilesDecodeOrAreRefused(String format) throws IOException {
        var valid = Files.readAllBytes(written(noise(format.equals("gif") ? 13 : 5), format));
        var random = new Random(format.hashCode());
        var file = "damaged." + format;
        int refused = 0;
        for (int i = 0; i < 600; i++) {
            var bytes = Arrays.copyOf(valid, i % 4 == 0 ? random.nextInt(valid.length) : valid.length);
            for (int k = 0; k < i % 4 && bytes.length > 0; k++) {
                // The headers are where damage is worst.
                int at = random.nextBoolean() ? random.nextInt(bytes.length) : random.nextInt(Math.min(bytes.length, 64));
                bytes[at] = (byte) (random.nextBoolean() ? random.nextInt() : 0xff);
            }
            try {
                var pixels = PictureFile.read(file, bytes);
                assertEquals(3L * pixels.width() * pixels.height(), pixels.samples().length);
            } catch (FormatException e) {
                refused++;
                assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
                assertFalse(e.getMessage().contains("\n"), e.getMessage());
            } catch (IOException | RuntimeException | Error e) {
                fail("damage " + i + ": " + HexFormat.of().formatHex(bytes), e);
            }
        }
        assertTrue(refused > 0);
    }
}
