// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.TreeSet;
import java.util.stream.Collectors;
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


    /**
     * Size and checksum of what Pillow 12.3 decodes, turns upright and makes RGB; of gray16_trns.png, which holds 8 bits in 16, the
     * lower ones.
     */
    @ParameterizedTest
    @CsvSource({
        "baseline_420.jpg, 227, 149, b88ce32e",
        "cmyk_adobe.jpg, 100, 100, b166528d",
        "exif_orientation_2.jpg, 128, 128, 466388f7",
        "exif_orientation_3.jpg, 128, 128, 466388f7",
        "exif_orientation_4.jpg, 128, 128, 69f0078e",
        "exif_orientation_5.jpg, 128, 128, 2e705e79",
        "exif_orientation_6.jpg, 128, 128, 2e705e79",
        "exif_orientation_7.jpg, 128, 128, ca5eb7a9",
        "exif_orientation_8.jpg, 128, 128, ca5eb7a9",
        "gray16_trns.png, 64, 64, 769185cd",
        "gray_1x1.jpg, 1, 1, ff41d912",
        "gray_alpha_stored.png, 128, 128, 03f2094d",
        "gray_cat.jpg, 480, 360, 59d4df42",
        "gray_hopper.jpg, 128, 128, 7af19e35",
        "hopper.jpg, 128, 128, 9a292e3e",
        "palette_interlaced.png, 162, 150, 05a3508d",
        "progressive.jpg, 256, 160, 4902627d",
        "rgb16.png, 149, 227, f0e9710f",
        "rgb_adobe_restart.jpg, 100, 100, 2bcac30b",
        "rgba_interlaced.png, 162, 150, 86c7907d",
        "sof1_16bit_qtables.jpg, 128, 128, 2dd7843c",
        "subsampling_422.jpg, 640, 480, 9e331d73"})
    void oddFilesBecomeWhatPillowReads(String name, int width, int height, String crc) throws IOException {
        var picture = Picture.read(Shared.path("data/images/odd/" + name));
        assertEquals(width + "x" + height, picture.width() + "x" + picture.height());
        assertEquals(crc, Noise.crc(picture.samples()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        arithmetic_coded.jpg      | JPEG should be Huffman-coded, found arithmetic coding (not supported)
        corrupt_header.png        | PNG is truncated or damaged: the file ends at byte 80 without an end chunk
        corrupt_stream.png        | PNG is truncated or damaged: the file ends at byte 30732 without an end chunk
        precision_12bit.jpg       | JPEG should have 8-bit samples, found 12-bit ones (not supported)
        truncated_baseline.jpg    | JPEG is truncated: the file ends without an end-of-image marker
        truncated_end_chunk.png   | PNG is truncated or damaged: the file ends at byte 30339 without an end chunk
        truncated_progressive.jpg | JPEG is truncated: the file ends without an end-of-image marker
        """)
    void otherOddFilesAreRefused(String name, String why) throws IOException {
        var file = Shared.path("data/images/odd/" + name);
        assertEquals(file + ": " + why, assertThrows(FormatException.class, () -> Picture.read(file)).getMessage());
    }

    @Test
    void everyOddFileIsInOneOfTheTables() throws IOException, NoSuchMethodException {
        var read = getClass().getDeclaredMethod("oddFilesBecomeWhatPillowReads", String.class, int.class, int.class, String.class);
        var refused = getClass().getDeclaredMethod("otherOddFilesAreRefused", String.class, String.class);
        var names = new TreeSet<String>();
        for (var row : read.getAnnotation(CsvSource.class).value()) names.add(row.replaceFirst(",.*", ""));
        refused.getAnnotation(CsvSource.class).textBlock().lines().forEach(row -> names.add(row.replaceFirst(" *\\|.*", "")));
        try (var files = Files.list(Shared.path("data/images/odd"))) {
            assertEquals(files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new)), names);
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
     * Photo to network input, against what Pillow made of the photo. (The fourth, jack_o_lantern, was
     * resized by another rule for the longer side.)
     */
    @ParameterizedTest
    @ValueSource(strings = {"kitten", "goldfish", "waffle_iron"})
    void photosBecomeTheKnownInputs(String name) throws IOException {
        var found = Picture.read(Shared.path("data/images/photos/" + name + ".jpg")).tensor(Preprocessing.IMAGENET);
        var input = Picture.read(Shared.path("data/images/224/" + name + ".png"));
        assertEquals("224x224", input.width() + "x" + input.height());
        var exact = new Preprocessing(3, Preprocessing.Fit.STRETCH, 224, 224, 224, 255, Preprocessing.IMAGENET.mean(),
            Preprocessing.IMAGENET.std(), Preprocessing.Invert.NEVER, Filter.BILINEAR);
        var expected = input.tensor(exact);

        for (int i = 0; i < expected.shape().elements(); i++) assertEquals(expected.get(i), found.get(i), "element " + i);
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
}
