// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Files of the folder {@code ../shared} beside the repository; tests that ask for one are skipped where it is absent. */
public final class SharedData {
    private SharedData() {}

    public static Path file(String name) {
        var folder = System.getProperty("sextant.shared");
        var path = (folder != null ? Path.of(folder) : above()).resolve("data").resolve(name);
        assumeTrue(Files.exists(path), () -> "no test data at " + path);
        return path;
    }

    /** The first folder {@code shared} beside the working folder or one of its parents. */
    private static Path above() {
        for (var path = Path.of("").toAbsolutePath(); path != null; path = path.getParent()) {
            if (Files.isDirectory(path.resolveSibling("shared"))) return path.resolveSibling("shared");
        }
        return Path.of("shared");
    }
}
