// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Labels;
import dev.sextant.image.Picture;
import dev.sextant.io.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Pictures of any sizes in a folder for each class, decoded when asked for. Classes take turns in the order of samples. */
final class PictureFolder implements Dataset {
    /** One sample. */
    private record Entry(Path file, int label) {}

    private final String name;
    private final Labels labels;
    private final List<Entry> entries;

    private PictureFolder(String name, Labels labels, List<Entry> entries) {
        this.name = name;
        this.labels = labels;
        this.entries = entries;
    }

    /** The names of the folders within, sorted. */
    static Labels classes(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            var names = files.filter(Files::isDirectory).map(file -> file.getFileName().toString())
                .filter(name -> !name.startsWith(".")).sorted().toList();
            if (names.isEmpty()) {
                throw new FormatException(folder + ": expected a folder of pictures for each class, found no folder");
            }
            return new Labels(names);
        }
    }

    /** @param labels what the classes' numbers are */
    static PictureFolder read(Path folder, Labels labels) throws IOException {
        var own = classes(folder);
        for (var name : own.names()) {
            if (!labels.names().contains(name)) {
                throw new FormatException(folder.resolve(name) + ": expected the name of a class that the training part has, "
                    + "found '" + name + "'");
            }
        }
        var classes = new ArrayList<List<Path>>();
        for (var name : labels.names()) classes.add(own.names().contains(name) ? pictures(folder.resolve(name)) : List.of());
        int most = classes.stream().mapToInt(List::size).max().orElse(0);
        var entries = new ArrayList<Entry>();
        for (int i = 0; i < most; i++) {
            for (int c = 0; c < classes.size(); c++) {
                if (i < classes.get(c).size()) entries.add(new Entry(classes.get(c).get(i), c));
            }
        }
        if (entries.isEmpty()) {
            throw new FormatException(folder + ": expected pictures in its folders, CLASS/NAME.jpg for instance, found none");
        }
        return new PictureFolder(folder.toString(), labels, List.copyOf(entries));
    }

    private static List<Path> pictures(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(file -> Picture.hasPictureName(file.toString()) && !file.getFileName().toString().startsWith(".")
                && Files.isRegularFile(file)).sorted().toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int size() {
        return entries.size();
    }

    @Override
    public Labels labels() {
        return labels;
    }

    @Override
    public int label(int i) {
        return entries.get(i).label;
    }

    @Override
    public Picture picture(int i) throws IOException {
        return Picture.read(entries.get(i).file);
    }

    @Override
    public PictureFolder first(int count) {
        return new PictureFolder(name, labels, entries.subList(0, Checked.count(count, size())));
    }

    @Override
    public String toString() {
        return name + ": " + size() + " pictures, " + labels.size() + " classes";
    }
}
