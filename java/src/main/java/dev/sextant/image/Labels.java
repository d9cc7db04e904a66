// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import dev.sextant.io.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.RandomAccess;

/** The names of a network's classes; name {@code i} belongs to output {@code i}. */
public record Labels(List<String> names) {
    /** The metadata key under which labels travel in a weights file: one name a line. */
    public static final String METADATA_KEY = "sextant.labels";

    public Labels {
        if (!(names instanceof Numbers)) names = List.copyOf(names);
        if (names.isEmpty()) throw new IllegalArgumentException("labels: expected at least one name, found none");
    }

    /** The thousand classes of ImageNet (ILSVRC 2012) in torchvision's order. */
    public static Labels imagenet() {
        return ImageNet.LABELS;
    }

    /** The ten digits, "0" to "9". */
    public static Labels digits() {
        return new Labels(List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
    }

    /** The numbers from 0 on, for {@code classes} that have no names. */
    public static Labels numbers(int classes) {
        return new Labels(new Numbers(classes));
    }

    /** The ten classes of CIFAR-10. */
    public static Labels cifar10() {
        return new Labels(List.of("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"));
    }

    /**
     * Reads a UTF-8 text file with one name a line; empty lines at the end are dropped.
     *
     * @throws IOException if the file cannot be read, is not UTF-8, has no names, or has an empty line between names
     */
    public static Labels read(Path file) throws IOException {
        String text;
        try {
            text = Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new FormatException(file + ": labels should be UTF-8 text, one name a line, but the bytes are not UTF-8", e);
        }
        return parse(text, file.toString());
    }

    /** The name of class {@code index}. */
    public String name(int index) {
        if (index < 0 || index >= names.size()) {
            throw new IllegalArgumentException("labels: expected a class from 0 to " + (names.size() - 1) + ", found " + index);
        }
        return names.get(index);
    }

    /** How many classes there are. */
    public int size() {
        return names.size();
    }

    /** These labels, if there are {@code classes} of them; else an {@link IllegalArgumentException} naming both counts. */
    public Labels requireSize(int classes) {
        if (classes != names.size()) {
            throw new IllegalArgumentException("labels: expected " + classes + " names, one a class, found " + names.size());
        }
        return this;
    }

    /** The labels as metadata of a weights file. */
    public Map<String, String> toMetadata() {
        return Map.of(METADATA_KEY, String.join("\n", names));
    }

    /** The labels among a weights file's metadata, if it carries any that can be used. */
    public static Optional<Labels> fromMetadata(Map<String, String> metadata) {
        var text = metadata.get(METADATA_KEY);
        if (text == null || text.isBlank()) return Optional.empty();
        return Optional.of(new Labels(List.of(text.split("\n", -1))));
    }

    private static Labels parse(String text, String source) throws FormatException {
        var names = new ArrayList<String>();
        int line = 0;
        int firstEmpty = 0;
        for (var name : (Iterable<String>) text.lines()::iterator) {
            line++;
            name = name.strip();
            if (name.isEmpty()) {
                if (firstEmpty == 0) firstEmpty = line;
                continue;
            }
            if (firstEmpty != 0) {
                throw new FormatException(source + ": labels should have one name a line, but line " + firstEmpty + " is empty");
            }
            names.add(name);
        }
        if (names.isEmpty()) throw new FormatException(source + ": labels should have one name a line, but the file has none");
        return new Labels(names);
    }

    /** Made when they are asked for: a network may well have a million outputs. */
    private static final class Numbers extends AbstractList<String> implements RandomAccess {
        private final int size;

        Numbers(int size) {
            this.size = size;
        }

        @Override
        public String get(int index) {
            return Integer.toString(Objects.checkIndex(index, size));
        }

        @Override
        public int size() {
            return size;
        }
    }

    /** Read at first use, once. */
    private static final class ImageNet {
        static final Labels LABELS = load();

        private static Labels load() {
            try (var in = Objects.requireNonNull(Labels.class.getResourceAsStream("imagenet.txt"), "imagenet.txt")) {
                return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), "imagenet.txt");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
