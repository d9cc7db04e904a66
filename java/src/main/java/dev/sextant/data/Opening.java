// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.io.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Recognises what lies at a path, see {@link Dataset#open}. */
final class Opening {
    private static final String LOOKED_FOR = "train-images-idx3-ubyte (MNIST), data_batch_1.bin (CIFAR-10 records), train.tar "
        + "(pictures of one size), each also gzipped, or a folder train/CLASS of pictures";

    private Opening() {}

    static Dataset open(Path path, Dataset.Split split) throws IOException {
        if (!Files.exists(path)) throw new NoSuchFileException(path.toString());
        return Files.isDirectory(path) ? folder(path, split) : file(path, split);
    }

    /** What the folders of a part are called. */
    static List<String> folders(Dataset.Split split) {
        return split == Dataset.Split.TRAIN ? List.of("train") : List.of("test", "val");
    }

    private static Dataset folder(Path path, Dataset.Split split) throws IOException {
        boolean train = split == Dataset.Split.TRAIN;
        // By what is there for either part: a missing one is named instead of the whole being unknown.
        if (either(path, "train-images-idx3-ubyte", "t10k-images-idx3-ubyte")) {
            var part = train ? "train" : "t10k";
            return Idx.labelled(required(path, part + "-images-idx3-ubyte"), required(path, part + "-labels-idx1-ubyte"));
        }
        for (var records : List.of(path, path.resolve("cifar-10-batches-bin"))) {
            if (either(records, "data_batch_1.bin", "test_batch.bin")) return records(records, train);
        }
        if (either(path, "train.tar", "test.tar")) {
            if (train) return PictureArchive.read(required(path, "train.tar"), split, null);
            var training = present(path, "train.tar");
            var labels = training == null ? null : PictureArchive.classes(training);
            return PictureArchive.read(required(path, "test.tar"), split, labels);
        }
        if (Files.isDirectory(path.resolve("train"))) {
            var labels = PictureFolder.classes(path.resolve("train"));
            for (var name : folders(split)) {
                if (Files.isDirectory(path.resolve(name))) return PictureFolder.read(path.resolve(name), labels);
            }
            throw new FormatException(path + ": expected a folder test or val beside train, found neither");
        }
        throw new FormatException(path + ": expected " + LOOKED_FOR + ", found none of them");
    }

    private static Dataset records(Path folder, boolean train) throws IOException {
        if (!train) {
            var file = required(folder, "test_batch.bin");
            return CifarRecords.read(file.toString(), List.of(file));
        }
        var files = new ArrayList<Path>();
        for (int i = 1; i <= 5; i++) files.add(required(folder, "data_batch_" + i + ".bin"));
        return CifarRecords.read(folder.toString(), files);
    }

    private static Dataset file(Path file, Dataset.Split split) throws IOException {
        var name = file.getFileName().toString();
        var plain = name.toLowerCase(Locale.ROOT).replaceFirst("\\.gz$", "");
        if (plain.endsWith(".tar") || plain.endsWith(".tgz")) return PictureArchive.read(file, split, null);
        if (plain.endsWith(".bin")) return CifarRecords.read(file.toString(), List.of(file));
        if (Idx.recognises(file)) {
            var labels = name.replace("images", "labels").replace("idx3", "idx1");
            if (labels.equals(name)) {
                throw new FormatException(file + ": expected a name with 'images' that gives its labels' by 'labels', found '"
                    + name + "'");
            }
            var folder = file.toAbsolutePath().getParent();
            return Idx.labelled(file, required(folder, labels.replaceFirst("\\.gz$", "")));
        }
        throw new FormatException(file + ": expected a folder with " + LOOKED_FOR
            + "; or one such file, found a file that is none of them");
    }

    private static boolean either(Path folder, String name, String other) {
        return present(folder, name) != null || present(folder, other) != null;
    }

    private static Path required(Path folder, String name) throws IOException {
        var found = present(folder, name);
        if (found == null) throw new FormatException(folder + ": expected " + name + " or " + name + ".gz, found neither");
        return found;
    }

    /** The file of this name, plain or gzipped; null if there is none. */
    private static Path present(Path folder, String name) {
        for (var suffix : List.of("", ".gz")) {
            var file = folder.resolve(name + suffix);
            if (Files.isRegularFile(file)) return file;
        }
        return null;
    }
}
