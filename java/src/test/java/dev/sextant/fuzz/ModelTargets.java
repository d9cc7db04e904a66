// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import static dev.sextant.nn.Nn.add;
import static dev.sextant.nn.Nn.avgPool;
import static dev.sextant.nn.Nn.batchNorm;
import static dev.sextant.nn.Nn.concat;
import static dev.sextant.nn.Nn.conv;
import static dev.sextant.nn.Nn.identity;
import static dev.sextant.nn.Nn.linear;
import static dev.sextant.nn.Nn.maxPool;
import static dev.sextant.nn.Nn.relu;
import static dev.sextant.nn.Nn.seq;
import static dev.sextant.nn.Nn.tanh;

import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.nn.Nn;
import dev.sextant.onnx.Onnx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** Loaders of files that other frameworks write: PyTorch's pickles, alone and in zip archives, and ONNX. */
final class ModelTargets {
    private static final List<byte[]> PICKLE = Mutations.words("\u0080\2", ".", "(", "0", "1", "}", "]", ")", "t", "\u0085",
        "\u0086", "\u0087", "R", "Q", "b", "s", "u", "e", "a", "q\0", "h\0", "j\u00ff\u00ff\u00ff\u007f",
        "r\u00ff\u00ff\u00ff\u007f", "K\1", "M\u00ff\u00ff", "J\u00ff\u00ff\u00ff\u00ff",
        "\u008a\10\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f", "X\u00ff\u00ff\u00ff\u007f", "X\3\0\0\0abc", "cos\nsystem\n",
        "c__builtin__\neval\n", "ctorch._utils\n_rebuild_tensor_v2\n", "ccollections\nOrderedDict\n", "ctorch\nFloatStorage\n",
        "N", "\u0088", "\u0089", "G\0\0\0\0\0\0\0\0", "2".repeat(60), "(".repeat(60), "}".repeat(60), "]".repeat(60),
        "\u0085".repeat(60), "\u0093", "\u0094", "\u0095\0\0\0\0\0\0\0\1", "i", "o", "\u0081", "P0\n", "L99999999999999999999L\n",
        "I01\n");

    private ModelTargets() {}

    static void add(List<Target> targets, Path folder) throws IOException {
        checkpoints(targets, folder);
        onnx(targets, folder);
    }

    private static void checkpoints(List<Target> targets, Path folder) throws IOException {
        var entries = entries(resource("/dev/sextant/io/zip.pth"), folder.resolve("zip.pth"));
        var pickleName = entries.keySet().stream().filter(name -> name.endsWith("data.pkl")).findFirst().orElseThrow();
        targets.add(new Target("pickle in zip", "f.pth", new Mutations(List.of(entries.get(pickleName)), PICKLE), pickle -> {
            var all = new LinkedHashMap<>(entries);
            all.put(pickleName, pickle);
            return zip(all);
        }, ModelTargets::weights));
        targets.add(new Target("zip", "f.pth", new Mutations(
            List.of(resource("/dev/sextant/io/zip.pth"), resource("/dev/sextant/io/zip4.pth")),
            Mutations.words("PK\1\2", "PK\3\4", "PK\5\6", "PK\6\6", "PK\6\7", "../", "data.pkl", "\u00ff\u00ff\u00ff\u00ff", "\10\0")),
            Dressings::none, ModelTargets::weights));
        targets.add(new Target("pickles in a row", "f.th", new Mutations(List.of(resource("/dev/sextant/io/row.pth")), PICKLE),
            Dressings::none, ModelTargets::weights));
    }

    private static long weights(Path file) throws IOException {
        try (var weights = Weights.open(file)) {
            for (var key : weights.keys()) {
                try {
                    weights.floats(key);
                } catch (UnsupportedOperationException e) {
                    // Integers, which are listed but not read as real numbers.
                }
            }
            Memory.look();
        }
        return 0;
    }

    private static void onnx(List<Target> targets, Path folder) throws IOException {
        var seeds = new ArrayList<byte[]>();
        for (var body : List.<Nn>of(
                seq(conv(2, 3).pad(1), batchNorm(), relu(), maxPool(2, 2), concat(conv(2, 1), identity()), linear(3)),
                seq(conv(2, 3).noBias(), tanh(), avgPool(2, 2), Nn.add(identity(), conv(2, 1)), relu(), linear(3)))) {
            var network = new Network("tiny", body, Shape.of(1, 8, 8), Preprocessing.gray(8, 255, 0, 1),
                new Labels(List.of("a", "b", "c")));
            var file = folder.resolve("tiny.onnx");
            try (var model = Model.random(network, 1)) {
                Onnx.save(model, file);
            }
            seeds.add(Wire.marked(Files.readAllBytes(file)));
        }
        var words = new ArrayList<byte[]>();
        for (var operator : List.of("Conv", "BatchNormalization", "Relu", "Tanh", "Sigmoid", "Clip", "MaxPool", "AveragePool",
                "GlobalAveragePool", "GlobalMaxPool", "Concat", "Add", "Sum", "Mul", "Gemm", "MatMul", "Flatten", "Reshape", "Squeeze",
                "Unsqueeze", "Transpose", "LRN", "Softmax", "LogSoftmax", "Dropout", "Pad", "Constant", "ConstantOfShape", "Identity",
                "Loop", "If")) {
            words.add(Wire.field(4, operator));
        }
        for (var attribute : List.of("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "axis", "perm", "ceil_mode",
                "alpha")) {
            words.add(Wire.field(1, attribute));
        }
        words.addAll(Mutations.words("\u0008\1", "\u0010\7", "\u00a0\1\7", "SAME_UPPER", "location",
            "\u0018\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\1"));
        words.add(Wire.field(13, "../../../etc/passwd"));
        targets.add(new Target("onnx", "f.onnx", new Mutations(seeds, words), Wire::written, file -> {
            try (var model = Onnx.load(file)) {
                Memory.look();
                return model.network().labels().size() > 0 ? 0 : 1;
            }
        }));
    }

    private static byte[] resource(String name) throws IOException {
        try (var in = Objects.requireNonNull(ModelTargets.class.getResourceAsStream(name), name)) {
            return in.readAllBytes();
        }
    }

    private static Map<String, byte[]> entries(byte[] archive, Path scratch) throws IOException {
        Files.write(scratch, archive);
        var entries = new LinkedHashMap<String, byte[]>();
        try (var zip = new ZipFile(scratch.toFile())) {
            for (var entry : Collections.list(zip.entries())) {
                entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
            }
        }
        return entries;
    }

    private static byte[] zip(Map<String, byte[]> entries) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(out)) {
            for (var file : entries.entrySet()) {
                var entry = new ZipEntry(file.getKey());
                var crc = new CRC32();
                crc.update(file.getValue());
                entry.setMethod(ZipEntry.STORED);
                entry.setSize(file.getValue().length);
                entry.setCrc(crc.getValue());
                zip.putNextEntry(entry);
                zip.write(file.getValue());
            }
        }
        return out.toByteArray();
    }
}
