// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shared;
import dev.sextant.data.Dataset.Split;
import dev.sextant.image.Labels;
import dev.sextant.io.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each format is recognised by what lies at a path; what is damaged or missing is named. */
class DatasetTest {
    @TempDir
    private Path folder;

    private FormatException refused(Path path, Split split) {
        var e = assertThrows(FormatException.class, () -> Dataset.open(path, split));
        assertTrue(e.getMessage().startsWith(folder.toString()) && !e.getMessage().contains("\n"), e.getMessage());
        return e;
    }

    private void refuses(Path path, Split split, String... parts) {
        var message = refused(path, split).getMessage();
        for (var part : parts) assertTrue(message.contains(part), message);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void idx(boolean packed) throws IOException {
        Made.mnist(folder, "train", 25, 28, packed);
        Made.mnist(folder, "t10k", 12, 28, packed);
        var train = Dataset.open(folder, Split.TRAIN);
        assertEquals(25, train.size());
        assertEquals(12, Dataset.open(folder, Split.TEST).size());
        assertEquals(Labels.digits(), train.labels());
        assertEquals(3, train.label(23));
        assertArrayEquals(new int[] {3, 3, 3, 3, 3, 2, 2, 2, 2, 2}, train.counts());
        var picture = train.picture(24);
        assertEquals(28, picture.width());
        var bytes = Made.idxImages(25, 28, 28);
        assertEquals(bytes[bytes.length - 1], picture.samples()[3 * 784 - 1]);
        assertEquals(7, train.first(7).size());
        assertEquals(25, train.first(1000).size());
        var file = folder.resolve("t10k-images-idx3-ubyte" + (packed ? ".gz" : ""));
        assertEquals(12, Dataset.open(file, Split.TRAIN).size(), "one file is the part itself");
    }

    @Test
    void idxFilesThatDisagreeAreRefused() throws IOException {
        Made.mnist(folder, "train", 25, 28, false);
        refuses(folder, Split.TEST, "expected t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz, found neither");
        var labels = folder.resolve("train-labels-idx1-ubyte");
        Files.write(labels, Made.idxLabels(24));
        refuses(folder, Split.TRAIN, "train-labels", "expected 25 labels, one a picture, found 24");
        var bytes = Made.idxLabels(25);
        Files.write(labels, Arrays.copyOf(bytes, 30));
        refuses(folder, Split.TRAIN, "expected 25 labels, found 22");
        bytes[8 + 4] = 10;
        Files.write(labels, bytes);
        refuses(folder, Split.TRAIN, "label 4 should be a digit from 0 to 9, found 10");
        Files.write(labels, Made.idxImages(1, 1, 1));
        refuses(folder, Split.TRAIN, "magic number 0x801", "0x803");
        Files.delete(labels);
        refuses(folder, Split.TRAIN, "expected train-labels-idx1-ubyte");
        Files.write(labels, Made.idxLabels(25));
        var images = folder.resolve("train-images-idx3-ubyte");
        Files.write(images, Arrays.copyOf(Made.idxImages(25, 28, 28), 1000));
        refuses(folder, Split.TRAIN, "train-images", "expected 25 pictures of 28x28 bytes, found 984 bytes");
        Files.write(images, Arrays.copyOf(Made.idxImages(25, 28, 28), 16 + 25 * 784 + 1));
        refuses(folder, Split.TRAIN, "found more bytes");
        Files.write(images, Arrays.copyOf(Made.pack(Made.idxImages(25, 28, 28)), 2000));
        refuses(folder, Split.TRAIN, "truncated", "gzip");
    }

    /** A header may claim two thousand million pictures: memory is spent on what is there. */
    @Test
    void absurdCountsAllocateNothing() throws IOException {
        Made.mnist(folder, "train", 1, 28, false);
        var bytes = Made.idxImages(1, 28, 28);
        bytes[4] = 0x7f;
        Files.write(folder.resolve("train-images-idx3-ubyte"), bytes);
        refuses(folder, Split.TRAIN, "expected 2130706433 pictures");
        bytes[8] = 0x7f;
        Files.write(folder.resolve("train-images-idx3-ubyte"), bytes);
        refuses(folder, Split.TRAIN, "expected an IDX file of pictures", "2130706460x28");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "cifar-10-batches-bin"})
    void cifarRecords(String within) throws IOException {
        var records = Files.createDirectories(folder.resolve(within));
        for (int i = 1; i <= 5; i++) Files.write(records.resolve("data_batch_" + i + ".bin"), Made.records(4, i));
        Files.write(records.resolve("test_batch.bin.gz"), Made.pack(Made.records(11, 6)));
        var train = Dataset.open(folder, Split.TRAIN);
        assertEquals(20, train.size());
        assertEquals(Labels.cifar10(), train.labels());
        assertEquals(2, train.label(6));
        var bytes = Made.records(4, 2);
        var samples = train.picture(6).samples();
        for (int c = 0; c < 3; c++) assertEquals(bytes[2 * 3073 + 1 + c * 1024 + 33], samples[3 * 33 + c]);
        assertEquals(11, Dataset.open(folder, Split.TEST).size());
        assertEquals(11, Dataset.open(records.resolve("test_batch.bin.gz"), Split.TRAIN).size());

        Files.delete(records.resolve("data_batch_4.bin"));
        refuses(folder, Split.TRAIN, "expected data_batch_4.bin");
        bytes[3 * 3073] = 10;
        Files.write(records.resolve("data_batch_4.bin"), bytes);
        refuses(folder, Split.TRAIN, "data_batch_4.bin", "record 3 should begin with a label from 0 to 9, found 10");
        Files.write(records.resolve("data_batch_4.bin"), Arrays.copyOf(bytes, 3073 + 10));
        refuses(folder, Split.TRAIN, "data_batch_4.bin", "record 1 should have a label and 3072 bytes", "after 9 of them");
        Files.write(records.resolve("data_batch_4.bin"), new byte[0]);
        refuses(folder, Split.TRAIN, "data_batch_4.bin", "expected CIFAR-10 records, found none");
    }

    /** Six pictures of three classes, their colour the class; and what else archives contain. */
    private static byte[] archive(String part, String... classes) throws IOException {
        var files = new LinkedHashMap<String, byte[]>();
        for (int i = 0; i < 2; i++) {
            for (var name : classes) {
                var colour = name.equals("red") ? 0xff0000 : name.equals("green") ? 0x00ff00 : 0x0000ff;
                files.put(part + "/" + name + "/" + i + ".jpg", Made.picture("jpg", 8, 6, colour));
            }
        }
        files.put("README.txt", new byte[700]);
        files.put(part + "/blue/._0.jpg", new byte[3]);
        return Made.tar(files);
    }

    @Test
    void archiveOfPictures() throws IOException {
        Files.write(folder.resolve("train.tar.gz"), Made.pack(archive("train", "red", "green", "blue")));
        Files.write(folder.resolve("test.tar"), archive("test", "red", "blue"));
        var train = Dataset.open(folder, Split.TRAIN);
        assertEquals(List.of("blue", "green", "red"), train.labels().names());
        assertEquals(6, train.size());
        assertArrayEquals(new int[] {2, 2, 2}, train.counts());
        assertEquals(2, train.label(0), "in the archive's order");
        assertEquals(8, train.picture(0).width());
        assertEquals(255, train.picture(0).samples()[0] & 0xff, 2);
        var test = Dataset.open(folder, Split.TEST);
        assertEquals(train.labels(), test.labels(), "a test part is numbered as the training part");
        assertArrayEquals(new int[] {2, 0, 2}, test.counts());
        assertEquals(List.of("blue", "red"), Dataset.open(folder.resolve("test.tar"), Split.TEST).labels().names());

        Files.write(folder.resolve("test.tar"), archive("test", "red", "yellow"));
        refuses(folder, Split.TEST, "test.tar", "test/yellow/0.jpg", "found 'yellow'");
    }

    @Test
    void oneArchiveOfBothParts() throws IOException {
        var files = new LinkedHashMap<String, byte[]>();
        for (int i = 0; i < 5; i++) files.put("x/" + (i < 3 ? "train" : "val") + "/c/" + i + ".png", Made.picture("png", 4, 4,
            i));
        var file = folder.resolve("all.tar");
        Files.write(file, Made.tar(files));
        assertEquals(3, Dataset.open(file, Split.TRAIN).size());
        assertEquals(2, Dataset.open(file, Split.TEST).size());
    }

    @Test
    void archivesThatCannotBeUsedAreRefused() throws IOException {
        var file = folder.resolve("a.tar");
        var picture = Made.picture("png", 4, 4, 1);
        Files.write(file, Made.tar(Map.of("README", picture)));
        refuses(file, Split.TRAIN, "expected pictures in folders of classes", "found none");
        var files = new LinkedHashMap<>(Map.of("train/a/0.png", picture));
        files.put("train/a/1.png", Made.picture("png", 5, 4, 1));
        Files.write(file, Made.tar(files));
        refuses(file, Split.TRAIN, "train/a/1.png should be of 4x4", "found 5x4");
        files.put("train/a/1.png", Arrays.copyOf(picture, 40));
        Files.write(file, Made.tar(files));
        refuses(file, Split.TRAIN, "a.tar: train/a/1.png: PNG is truncated");
        Files.write(file, Made.tar(Map.of("../a/0.png", picture)));
        refuses(file, Split.TRAIN, "should name a file within the archive", "../a/0.png");
        Files.write(file, Made.tar(Map.of("/a/0.png", picture)));
        refuses(file, Split.TRAIN, "should name a file within the archive");
        Files.write(file, Made.entry("a/0.png", '2', new byte[0]));
        refuses(file, Split.TRAIN, "header at byte 0 is of type '2'");
        Files.write(file, Made.entry("h", 'x', "20 path=other/name\n".getBytes()));
        refuses(file, Split.TRAIN, "extended header with a name or size of its own");
        var bytes = Made.tar(Map.of("train/a/0.png", picture));
        Files.write(file, Arrays.copyOf(bytes, 512 + 20));
        refuses(file, Split.TRAIN, "truncated", "train/a/0.png");
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 1024));
        refuses(file, Split.TRAIN, "truncated", "before a block of zeros");
        bytes[3]++;
        Files.write(file, bytes);
        refuses(file, Split.TRAIN, "checksum");
        bytes[3]--;
        Made.put(bytes, 124, "77777777777");
        Made.sign(bytes);
        Files.write(file, bytes);
        refuses(file, Split.TRAIN, "header at byte 0 should have a size of at most");
        Files.write(file, Made.pack("no tar at all".repeat(100).getBytes()));
        refuses(file, Split.TRAIN, "checksum");
    }

    @Test
    void extendedHeadersOfTimesArePassedOver() throws IOException {
        var file = folder.resolve("a.tar");
        var pax = Made.entry("PaxHeader", 'x', "30 mtime=1700000000.123456789\n".getBytes());
        var tar = Made.tar(Map.of("a/0.png", Made.picture("png", 4, 4, 1)));
        Files.write(file, concat(pax, Made.entry("a", '5', new byte[0]), tar));
        assertEquals(1, Dataset.open(file, Split.TRAIN).size());
    }

    private static byte[] concat(byte[]... parts) {
        var all = new java.io.ByteArrayOutputStream();
        for (var part : parts) all.writeBytes(part);
        return all.toByteArray();
    }

    private void write(String path, byte[] bytes) throws IOException {
        var file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        Files.write(file, bytes);
    }

    @Test
    void folderOfPictures() throws IOException {
        for (int i = 0; i < 3; i++) write("train/dog/d" + i + ".jpg", Made.picture("jpg", 10 + i, 7, 0xffffff));
        write("train/cat/within/c.PNG", Made.picture("png", 5, 9, 0));
        write("train/cat/notes.txt", new byte[1]);
        write("val/dog/x.png", Made.picture("png", 6, 6, 0));
        var train = Dataset.open(folder, Split.TRAIN);
        assertInstanceOf(PictureFolder.class, train);
        assertEquals(List.of("cat", "dog"), train.labels().names());
        assertEquals(4, train.size());
        assertArrayEquals(new int[] {0, 1, 1, 1}, new int[] {train.label(0), train.label(1), train.label(2), train.label(3)});
        assertEquals(12, train.picture(3).width());
        assertArrayEquals(new int[] {1, 1}, train.first(2).counts(), "classes take turns");
        var test = Dataset.open(folder, Split.TEST);
        assertEquals(1, test.label(0));
        assertEquals(2, test.labels().size());

        write("val/bird/x.png", Made.picture("png", 6, 6, 0));
        refuses(folder, Split.TEST, "bird", "class that the training part has");
        write("train/dog/e.jpg", new byte[20]);
        var broken = Dataset.open(folder, Split.TRAIN);
        var e = assertThrows(FormatException.class, () -> broken.picture(4));
        assertTrue(e.getMessage().startsWith(folder.resolve("train/dog/e.jpg").toString()), e.getMessage());
    }

    @Test
    void whatIsNoDataSetIsToldWhatWasLookedFor() throws IOException {
        refuses(folder, Split.TRAIN, "expected train-images-idx3-ubyte", "data_batch_1.bin", "train.tar", "train/CLASS");
        assertThrows(NoSuchFileException.class, () -> Dataset.open(folder.resolve("absent"), Split.TRAIN));
        write("notes.txt", new byte[100]);
        refuses(folder.resolve("notes.txt"), Split.TRAIN, "expected a folder with train-images-idx3-ubyte");
        Files.createDirectories(folder.resolve("train"));
        refuses(folder, Split.TRAIN, "expected a folder of pictures for each class");
        Files.createDirectories(folder.resolve("train/a"));
        refuses(folder, Split.TRAIN, "expected pictures in its folders");
        refuses(folder, Split.TEST, "expected a folder test or val beside train");
        assertThrows(IllegalArgumentException.class, () -> {
            write("train/a/x.png", Made.picture("png", 6, 6, 0));
            Dataset.open(folder, Split.TRAIN).first(0);
        });
    }

    @Test
    void mnist() throws IOException {
        var path = Shared.path("data/mnist");
        var train = Dataset.open(path, Split.TRAIN);
        var test = Dataset.open(path, Split.TEST);
        assertArrayEquals(new int[] {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, train.counts());
        assertArrayEquals(new int[] {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, test.counts());
    }

    /** The means are those that libjpeg-turbo's decoding gives: channels are not mixed up, colours not converted otherwise. */
    @Test
    void cifarJpegs() throws IOException {
        var path = Shared.path("data/cifar10");
        var train = Dataset.open(path, Split.TRAIN);
        assertEquals(Labels.cifar10(), train.labels());
        var each = new int[10];
        Arrays.fill(each, 5000);
        assertArrayEquals(each, train.counts());
        var sums = new long[3];
        for (int i = 0; i < train.size(); i++) {
            var planes = ((Stored) train).planes(i);
            for (int p = 0; p < planes.length; p++) sums[p / 1024] += planes[p] & 0xff;
        }
        double[] means = {0.4913, 0.4821, 0.4465};
        for (int c = 0; c < 3; c++) assertEquals(means[c], sums[c] / (255.0 * 1024 * train.size()), 1e-4);
        var lossless = Dataset.open(path.resolve("lossless-train-1000.bin.gz"), Split.TRAIN);
        assertEquals(1000, lossless.size());
        Arrays.fill(each, 1000);
        assertArrayEquals(each, Dataset.open(path, Split.TEST).counts());
    }
}
