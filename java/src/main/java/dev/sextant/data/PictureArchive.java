// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Labels;
import dev.sextant.image.Picture;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.FormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A tar of pictures of one size, {@code CLASS/FILE} or {@code PART/CLASS/FILE}; decoded once, on as many threads as there are
 * processors.
 */
final class PictureArchive {
    private static final int TASK = 256, MOST_CLASSES = 256, LARGEST_SIDE = 1 << 11;
    private static final long MOST_BYTES = 1L << 30;

    private PictureArchive() {}

    /** A file of the archive, undecoded. */
    private record Entry(String part, String label, String name, byte[] bytes) {}

    /** The names of its classes, sorted. */
    static Labels classes(Path file) throws IOException {
        var names = new TreeSet<String>();
        Tar.read(file, (_, name) -> {
            var words = name.split("/");
            if (isPicture(words)) names.add(words[words.length - 2]);
        });
        return labels(file, names);
    }

    private static Labels labels(Path file, SortedSet<String> names) throws FormatException {
        if (names.isEmpty()) throw none(file);
        if (names.size() > MOST_CLASSES) {
            throw new FormatException(file + ": expected at most " + MOST_CLASSES + " classes in an archive, found "
                + names.size() + "; unpack it and open the folder");
        }
        return new Labels(List.copyOf(names));
    }

    /** @param labels what the classes' numbers are; null if the archive's own classes decide */
    static Stored read(Path file, Dataset.Split split, Labels labels) throws IOException {
        var entries = entries(file, split);
        var names = labels == null ? labels(file, own(entries)) : labels;
        var classes = new byte[entries.size()];
        for (int i = 0; i < classes.length; i++) {
            int label = names.names().indexOf(entries.get(i).label);
            if (label < 0) {
                throw new FormatException(file + ": " + entries.get(i).name + " should lie in the folder of a class that the "
                    + "training part has, found '" + entries.get(i).label + "'");
            }
            classes[i] = (byte) label;
        }
        var first = decode(file, entries.getFirst());
        int height = first.height(), width = first.width();
        if (height > LARGEST_SIDE || width > LARGEST_SIDE || 3L * height * width * classes.length > 2 * MOST_BYTES) {
            throw new FormatException(file + ": expected pictures that fit in memory, found " + classes.length + " of " + width
                + "x" + height + "; unpack it and open the folder");
        }
        var planes = decoded(file, entries, height, width);
        return new Stored(file.toString(), names, 3, height, width, planes, classes);
    }

    /** The pictures of the part {@code split}, or all if no folder is called so. */
    private static List<Entry> entries(Path file, Dataset.Split split) throws IOException {
        var entries = new ArrayList<Entry>();
        var total = new long[1];
        Tar.read(file, (tar, name) -> {
            var words = name.split("/");
            if (!isPicture(words)) return;
            var bytes = tar.content();
            if ((total[0] += bytes.length) > MOST_BYTES) {
                throw new FormatException(file + ": expected at most " + MOST_BYTES + " bytes of pictures in an archive; "
                    + "unpack it and open the folder");
            }
            entries.add(new Entry(words.length < 3 ? "" : words[words.length - 3], words[words.length - 2], name, bytes));
        });
        for (var part : Opening.folders(split)) {
            var those = entries.stream().filter(entry -> entry.part.equals(part)).toList();
            if (!those.isEmpty()) return those;
        }
        if (entries.isEmpty()) throw none(file);
        return entries;
    }

    private static SortedSet<String> own(List<Entry> entries) {
        var names = new TreeSet<String>();
        for (var entry : entries) names.add(entry.label);
        return names;
    }

    private static boolean isPicture(String[] words) {
        return words.length >= 2 && Picture.hasPictureName(words[words.length - 1]) && !words[words.length - 1].startsWith(".");
    }

    private static byte[][] decoded(Path file, List<Entry> entries, int height, int width) throws IOException {
        var planes = new byte[entries.size()][];
        // Of its size already: only the order of the samples changes.
        var asItIs = Preprocessing.rgb(Math.min(height, width), height, List.of(0f, 0f, 0f), List.of(1f, 1f, 1f))
            .crop(height, width);
        try (var pool = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
            var tasks = new ArrayList<Future<?>>();
            for (int begin = 0; begin < planes.length; begin += TASK) {
                int from = begin, to = Math.min(begin + TASK, planes.length);
                tasks.add(pool.submit(() -> {
                    for (int i = from; i < to; i++) {
                        var picture = decode(file, entries.get(i));
                        if (picture.height() != height || picture.width() != width) {
                            throw new FormatException(file + ": " + entries.get(i).name + " should be of " + width + "x" + height
                                + " as the first picture is, found " + picture.width() + "x" + picture.height()
                                + "; pictures of several sizes can be trained on from a folder");
                        }
                        planes[i] = picture.planes(asItIs);
                    }
                    return null;
                }));
            }
            try {
                for (var task : tasks) task.get();
            } finally {
                pool.shutdownNow();
            }
        } catch (ExecutionException e) {
            throw Batches.asThrown(e.getCause());
        } catch (InterruptedException e) {
            throw Batches.interrupted(file.toString());
        }
        return planes;
    }

    private static Picture decode(Path file, Entry entry) throws IOException {
        return Picture.decode(file + ": " + entry.name, entry.bytes);
    }

    private static FormatException none(Path file) {
        return new FormatException(file
            + ": expected pictures in folders of classes, train/CLASS/NAME.jpg for instance, found none");
    }
}
