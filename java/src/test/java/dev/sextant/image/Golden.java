// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.ZipInputStream;

/**
 * Small pictures of every kind, and the samples that Pillow reads from each: {@code golden.zip} holds {@code NAME} and, as bytes of
 * red, green and blue, {@code NAME.rgb}. Both were made with Pillow 12.3 by the script {@code make.py} in the same archive.
 */
public final class Golden {
    private Golden() {}

    /** Everything in the archive by name. */
    static SortedMap<String, byte[]> entries() throws IOException {
        var entries = new TreeMap<String, byte[]>();
        try (var zip = new ZipInputStream(Objects.requireNonNull(Golden.class.getResourceAsStream("golden.zip"), "golden.zip"))) {
            for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                entries.put(entry.getName(), zip.readAllBytes());
            }
        }
        return entries;
    }

    /** One of the pictures. */
    public static byte[] file(String name) throws IOException {
        return entries().get(name);
    }

    /** The pictures of one format, by the suffix of their names. */
    public static List<byte[]> files(String suffix) throws IOException {
        var files = new ArrayList<byte[]>();
        entries().forEach((name, bytes) -> {
            if (name.endsWith("." + suffix)) files.add(bytes);
        });
        return files;
    }
}
