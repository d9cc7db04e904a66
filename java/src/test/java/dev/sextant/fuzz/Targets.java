// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import static dev.sextant.nn.Nn.conv;
import static dev.sextant.nn.Nn.linear;
import static dev.sextant.nn.Nn.relu;
import static dev.sextant.nn.Nn.seq;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.data.Dataset;
import dev.sextant.data.Made;
import dev.sextant.image.Golden;
import dev.sextant.image.Labels;
import dev.sextant.image.Picture;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.Npy;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import dev.sextant.train.CheckpointFolder;
import dev.sextant.train.History;
import dev.sextant.train.Snapshot;
import dev.sextant.train.TrainingOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every loader of files that others may have made. */
final class Targets {
    private static final List<byte[]> JSON = Mutations.words("null", "{", "}", "[", "]", "\"", ",", ":", "\\u0000", "\\ud800",
        "[[[[[[[[[[", "{\"a\":".repeat(300), "true", "1e400", "\"F64\"", "\"BOOL\"", "\"q\":{}", "\n", "\"shape\":[]",
        "\"data_offsets\":[0,0]", "__metadata__", "\"q_scale\"", "\u00ff\u00fe");

    private Targets() {}

    static List<Target> all(Path folder) throws IOException {
        var targets = new ArrayList<Target>();
        weights(targets, folder);
        ModelTargets.add(targets, folder);
        arrays(targets);
        datasets(targets);
        pictures(targets);
        return targets;
    }

    private static void weights(List<Target> targets, Path folder) throws IOException {
        var mixed = safetensors("""
            {"__metadata__":{"format":"pt","sextant.labels":"a b"},
            "conv.weight":{"dtype":"F32","shape":[2,1,3,3],"data_offsets":[0,72]},
            "conv.bias":{"dtype":"F16","shape":[2],"data_offsets":[72,76]},"q":{"dtype":"I8","shape":[2,4],"data_offsets":[76,84]},
            "q_scale":{"dtype":"F32","shape":[2],"data_offsets":[84,92]},"n":{"dtype":"I64","shape":[],"data_offsets":[92,100]}}""", 100);
        var plain = safetensors("""
            {"b":{"dtype":"BF16","shape":[3,2],"data_offsets":[0,12]},"d":{"dtype":"F64","shape":[1],"data_offsets":[12,20]}}""", 20);
        var words = new Mutations(List.of(mixed, plain), JSON);
        targets.add(new Target("safetensors", "f.safetensors", words, Dressings::safetensors, Targets::weights));
        targets.add(new Target("safetensors.gz", "f.safetensors.gz", words, content -> Dressings.gzip(Dressings.safetensors(content)),
            Targets::weights));

        var network = new Network("tiny", seq(conv(2, 3), relu(), linear(3)), Shape.of(1, 4, 4),
            Preprocessing.gray(4, 255, 0, 1), new Labels(List.of("a", "b", "c")));
        var file = folder.resolve("tiny.safetensors");
        var tensors = new LinkedHashMap<String, Tensor>();
        for (var parameter : network.parameters()) {
            tensors.put(parameter.key(), Tensor.of(parameter.shape(), new float[(int) parameter.shape().elements()]));
        }
        var notes = new LinkedHashMap<>(network.preprocessing().toMetadata());
        notes.putAll(network.labels().toMetadata());
        Safetensors.write(file, tensors, notes);
        targets.add(new Target("model", "tiny.safetensors", new Mutations(List.of(Files.readAllBytes(file)), JSON), Dressings::safetensors,
            path -> {
                try (var model = Model.load(network, path)) {
                    return model.network().labels().size() > 0 ? 0 : 1;
                }
            }));
        targets.add(new Target("notes of weights", "tiny.safetensors", new Mutations(List.of(Files.readAllBytes(file)), JSON),
            Dressings::safetensors, path -> {
                try (var weights = Safetensors.open(path)) {
                    Preprocessing.fromMetadata(weights.metadata());
                    Labels.fromMetadata(weights.metadata());
                    return 0;
                }
            }));

        var one = Tensor.of(Shape.of(2), new float[2]);
        var snapshot = new Snapshot("lenet5", Map.of("a", one, "b", one), Map.of("moment.a", one), 7,
            TrainingOptions.of(3, 4, 0.5), new Snapshot.Sums(0.5, 5, 2),
            new History(List.of(new History.Point(1, 0.5, 0.25, 0.125, 2, 1000)),
                List.of(new History.Epoch(1, 7, 0.5, 0.25, Double.NaN, Double.NaN, Double.NaN, 3))), 12.5);
        var checkpoints = new CheckpointFolder(folder.resolve("checkpoint"));
        checkpoints.write(snapshot, Networks.named("lenet5"));
        targets.add(new Target("checkpoint folder", CheckpointFolder.STATE,
            new Mutations(List.of(Files.readAllBytes(checkpoints.state())), JSON), Dressings::safetensors,
            path -> new CheckpointFolder(path.getParent()).read().isPresent() ? 0 : 1));
    }

    private static long weights(Path file) throws IOException {
        long bytes = 0;
        try (var weights = Safetensors.open(file)) {
            for (var key : weights.keys()) {
                try {
                    bytes += weights.floats(key).byteSize();
                } catch (UnsupportedOperationException e) {
                    bytes += weights.dtype(key).bytes();
                }
            }
            Memory.look();
        }
        return bytes;
    }

    private static byte[] safetensors(String header, int data) {
        var json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + data).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json).array();
    }

    private static void arrays(List<Target> targets) {
        var seeds = List.of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24),
            npy("{'descr': '>i2', 'fortran_order': True, 'shape': (3, 2, 4), }", 48),
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9,), }", 9),
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 8));
        var words = Mutations.words("'<f2'", "'>u8'", "'|b1'", "'|O'", "(", ")", ",", "L", "True", "'descr'",
            "'shape': (0, 2147483647, 2147483647)", "\n", "0, ", "1, ".repeat(400), "2, ".repeat(70));
        targets.add(new Target("npy", "f.npy", new Mutations(seeds, words), Dressings::none, file -> {
            var read = Npy.read(file);
            Memory.look();
            return read.data().byteSize() < 0 ? 1 : 0;
        }));
        var labels = new Mutations(Mutations.words("cat\ndog\n", "a\r\nb\n\n"), Mutations.words("\n", "\n\n\n", "\u00ff"));
        targets.add(new Target("labels", "labels.txt", labels, Dressings::none, file -> Labels.read(file).size() > 0 ? 0 : 1));
    }

    private static byte[] npy(String header, int data) {
        var text = header.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(10 + text.length + data).order(ByteOrder.LITTLE_ENDIAN).put((byte) 0x93)
            .put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1).put((byte) 0).putShort((short) text.length).put(text).array();
    }

    private static void datasets(List<Target> targets) throws IOException {
        var images = new Mutations(List.of(Made.idxImages(5, 28, 28), Made.idxImages(5, 3, 7)), List.of());
        var digits = new Mutations(List.of(Made.idxLabels(5)), List.of());
        var besideImages = Map.of("train-labels-idx1-ubyte", Made.idxLabels(5));
        var besideLabels = Map.of("train-images-idx3-ubyte", Made.idxImages(5, 28, 28));
        targets.add(new Target("idx pictures", "train-images-idx3-ubyte", besideImages, images, Dressings::none,
            file -> open(file, false)));
        targets.add(new Target("idx pictures.gz", "train-images-idx3-ubyte.gz", besideImages, images, Dressings::gzip,
            file -> open(file, true)));
        targets.add(new Target("idx labels", "train-labels-idx1-ubyte", besideLabels, digits, Dressings::none,
            file -> open(file.resolveSibling("train-images-idx3-ubyte"), true)));
        var records = new Mutations(List.of(Made.records(2, 1), Made.records(1, 2)), List.of());
        targets.add(new Target("cifar records", "data_batch_1.bin", records, Dressings::none, file -> open(file, false)));
        targets.add(new Target("cifar records.gz", "data_batch_1.bin.gz", records, Dressings::gzip, file -> open(file, true)));

        var files = new LinkedHashMap<String, byte[]>();
        for (int i = 0; i < 4; i++) files.put("train/" + (char) ('a' + i % 3) + "/" + i + ".png", Made.picture("png", 8, 8, i * 30));
        var words = Mutations.words("../", "/", "/etc/passwd", "..", "ustar", "\0", "00000000000", "77777777777", "x", "L", "5", "2",
            "30 path=../../evil\n", "20 size=9999999999\n", "train/a/1.png");
        var other = Map.of("b/1.png", files.get("train/a/0.png"), "c/2.png", files.get("train/b/1.png"));
        var archive = new Mutations(List.of(Made.tar(files), Made.tar(other)), words);
        targets.add(new Target("tar", "train.tar", archive, Dressings::tar, file -> open(file, true)));
        targets.add(new Target("tar.gz", "train.tar.gz", archive, content -> Dressings.gzip(Dressings.tar(content)),
            file -> open(file, true)));
    }

    /** All of a data set's samples. */
    private static long open(Path file, boolean packed) throws IOException {
        var data = Dataset.open(file, Dataset.Split.TRAIN);
        long bytes = 0;
        for (int i = 0; i < data.size(); i++) {
            assertTrue(data.label(i) < data.labels().size());
            if (packed || i == 0) bytes += size(data.picture(i));
        }
        return packed ? bytes : 0;
    }

    private static void pictures(List<Target> targets) throws IOException {
        picture(targets, "png", Mutations.words("IHDR", "IDAT", "PLTE", "tRNS", "IEND", "eXIf", "iCCP", "zTXt",
            "\0\0\0\0IEND", "\0\0\0\1IDAT"));
        picture(targets, "jpg", Mutations.words("\u00ff\u00c0", "\u00ff\u00c2", "\u00ff\u00c3", "\u00ff\u00c4", "\u00ff\u00da",
            "\u00ff\u00db", "\u00ff\u00dd\0\4\0\1", "\u00ff\u00d0", "\u00ff\u00d9", "\u00ff\u00e1",
            "\u00ff\u00ee\0\16Adobe\0\144\0\0\0\0\2", "Exif\0\0", "JFIF\0",
            "\u00ff\u00c0\0\13\10\u00ff\u00ff\u00ff\u00ff\1\1\21\0"));
        picture(targets, "gif", Mutations.words("GIF89a", "GIF87a", ",", ";", "!\u00f9\4", "!\u00ff\u000bNETSCAPE2.0", "\0",
            "!\u00fe\5hello\0"));
        picture(targets, "bmp", Mutations.words("BM", "\0\0\0\1", "\0\1", "\0\2\u00ff\u00ff", "\1\0\0\0", "\2\0\0\0", "\3\0\0\0",
            "\50\0\0\0", "\174\0\0\0"));
        picture(targets, "tif", Mutations.words("II*\0", "MM\0*", "\0\1\3\0", "\1\1\3\0", "\2\1\3\0", "\3\1\3\0\1\0\0\0\5",
            "\21\1\4\0", "\26\1\3\0", "\102\1\3\0", "\103\1\3\0", "\104\1\4\0", "\5\0\0\0", "\10\0\0\0"));
        picture(targets, "webp", Mutations.words("RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "ALPH", "EXIF", "ICCP",
            "ANIM", "ANMF", "\235\1\52", "/"));
    }

    private static void picture(List<Target> targets, String suffix, List<byte[]> words) throws IOException {
        targets.add(new Target(suffix, "f." + suffix, new Mutations(Golden.files(suffix), words),
            suffix.equals("png") ? Dressings::png : Dressings::none, file -> size(Picture.read(file))));
    }

    private static long size(Picture picture) {
        return 3L * picture.width() * picture.height();
    }
}
