// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Labels;
import dev.sextant.image.Picture;
import java.io.IOException;
import java.nio.file.Path;

/** Pictures with the class of each; immutable, and safe for any number of threads. */
public sealed interface Dataset permits Stored, PictureFolder {

    /** What the samples are for. */
    enum Split {
        /** To learn from. */
        TRAIN,
        /** To measure on: {@code test}, or {@code val} in a folder of pictures. */
        TEST
    }

    /**
     * Opens a data set by what lies there:
     * <ul>
     *   <li>a folder with MNIST's four IDX files ({@code train-images-idx3-ubyte} and so on), also gzipped;
     *   <li>a folder with CIFAR-10's binary records, {@code data_batch_1.bin} to {@code _5} and {@code test_batch.bin}, also
     *       gzipped;
     *   <li>a folder with {@code train.tar} and {@code test.tar}, also gzipped, of pictures of one size under {@code
     *       train/CLASS/} and {@code test/CLASS/};
     *   <li>a folder of pictures, {@code train/CLASS/} and {@code val/CLASS/} or {@code test/CLASS/}; these stay on disk and are
     *       decoded when asked for;
     *   <li>one such file of IDX pictures, records or tar: then it is the part itself, whatever {@code split} says, unless a tar
     *       holds both.
     * </ul>
     * Classes of folders are numbered by their names' order; those of a test part are numbered as the training part beside it
     * numbers them.
     *
     * @throws dev.sextant.io.FormatException if what lies there is none of these, or damaged: one sentence naming the file, what
     *     was looked for and what was found
     * @throws IOException if it cannot be read
     */
    static Dataset open(Path path, Split split) throws IOException {
        return Opening.open(path, split);
    }

    /** The path that this was read from. */
    String name();

    /** How many samples there are, at least one. */
    int size();

    /** The classes' names. */
    Labels labels();

    /** The class of sample {@code i}. */
    int label(int i);

    /**
     * Sample {@code i} as it is stored.
     *
     * @throws dev.sextant.io.FormatException if its file does not decode
     * @throws IOException if its file cannot be read
     */
    Picture picture(int i) throws IOException;

    /** The first {@code count} samples, or all if there are no more; classes take turns where the files do not say otherwise. */
    Dataset first(int count);

    /** How many samples each class has. */
    default int[] counts() {
        var counts = new int[labels().size()];
        for (int i = 0; i < size(); i++) counts[label(i)]++;
        return counts;
    }
}
