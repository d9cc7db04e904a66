// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Shape;
import dev.sextant.data.Idx;
import dev.sextant.image.Picture;
import dev.sextant.io.FormatException;
import dev.sextant.io.Npy;
import dev.sextant.models.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Many images, brought to a network's input one by one.
 *
 * @param image shape of each
 * @param count how many there are
 */
record ImageSet(Shape image, int count, Source source) {
    /** Gives the input's values of one image. */
    interface Source {
        float[] read(int index) throws IOException;
    }

    float[] read(int index) throws IOException {
        return source.read(index);
    }

    /** Up to {@code limit} images, spread evenly over those in a folder or file. */
    static ImageSet open(Path path, Network network, int limit) throws IOException {
        ImageSet all;
        if (Files.isDirectory(path)) all = folder(path, network);
        else if (Failure.readable(path).toString().endsWith(".npy")) all = array(path, network);
        else all = idx(path, network);
        if (all.count == 0) throw new FormatException(path + ": expects images, found none");
        int count = Math.min(limit, all.count);
        return new ImageSet(all.image, count, i -> all.read((int) ((long) i * all.count / count)));
    }

    private static ImageSet folder(Path folder, Network network) throws IOException {
        try (var files = Files.walk(folder)) {
            var pictures = files.filter(file -> Picture.hasPictureName(file.toString()) && Files.isRegularFile(file)).sorted().toList();
            return new ImageSet(network.input(), pictures.size(),
                i -> Picture.read(pictures.get(i)).tensor(network.preprocessing()).toArray());
        }
    }

    /** Inputs as {@code forward} takes them. */
    private static ImageSet array(Path file, Network network) throws IOException {
        var batch = Npy.read(file);
        if (batch.shape().rank() != 4 || !batch.shape().dropFirst().equals(network.input())) {
            throw new FormatException(file + ": " + network.name() + " expects a batch of images as in " + network.input().prepend(1)
                + ", found " + batch.shape());
        }
        return new ImageSet(network.input(), batch.shape().dim(0), i -> batch.slice(i).toArray());
    }

    private static ImageSet idx(Path file, Network network) throws IOException {
        if (!Idx.recognises(file)) {
            throw new FormatException(file + ": expects a folder of pictures, a .npy file or an IDX file of pictures");
        }
        var pictures = Idx.read(file);
        return new ImageSet(network.input(), pictures.count(), i -> pictures.picture(i).tensor(network.preprocessing()).toArray());
    }
}
