// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Shape;
import dev.sextant.image.Picture;
import dev.sextant.io.FormatException;
import dev.sextant.io.Npy;
import dev.sextant.models.Network;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * Many images, brought to a network's input one by one.
 *
 * @param image shape of each
 * @param count how many there are
 */
record ImageSet(Shape image, int count, Source source) {
    private static final Set<String> SUFFIXES = Set.of("jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp");
    /** The magic number of IDX files of bytes in three dimensions, and the header that it begins. */
    private static final int IDX_PICTURES = 0x803, IDX_HEADER = 16;

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
            var pictures = files.filter(file -> SUFFIXES.contains(suffix(file)) && Files.isRegularFile(file)).sorted().toList();
            return new ImageSet(network.input(), pictures.size(),
                i -> Picture.read(pictures.get(i)).tensor(network.preprocessing()).toArray());
        }
    }

    private static String suffix(Path file) {
        var name = file.getFileName().toString();
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
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

    /** Gray pictures, one byte a pixel (the MNIST database, "File formats"). */
    private static ImageSet idx(Path file, Network network) throws IOException {
        try (var raw = new BufferedInputStream(Files.newInputStream(file));
                var in = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw) {
            var header = ByteBuffer.wrap(Arrays.copyOf(in.readNBytes(IDX_HEADER), IDX_HEADER));
            int magic = header.getInt(), count = header.getInt(), height = header.getInt(), width = header.getInt();
            if (magic != IDX_PICTURES || count < 0 || height < 1 || width < 1) {
                throw new FormatException(file + ": expects a folder of pictures, a .npy file or an IDX file of pictures");
            }
            var pixels = in.readAllBytes();
            long each = (long) height * width;
            if (pixels.length != count * each) {
                throw new FormatException(file + ": expects " + count + " pictures of " + height + "x" + width + " bytes, found "
                    + pixels.length + " bytes");
            }
            return new ImageSet(network.input(), count, i -> {
                var samples = Arrays.copyOfRange(pixels, (int) (i * each), (int) ((i + 1) * each));
                return Picture.gray(width, height, samples).tensor(network.preprocessing()).toArray();
            });
        }
    }
}
