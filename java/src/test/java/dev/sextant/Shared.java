// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The data that lie beside the repository and not in it. Asking for what is absent skips the test. */
public final class Shared {
    private Shared() {}

    /**
     * {@code shared/path}; the property {@code sextant.shared} names the folder, otherwise it is {@code ../shared} beside the
     * repository.
     */
    public static Path path(String path) {
        var file = root().resolve(path);
        Assumptions.assumeTrue(Files.exists(file), () -> file + " is absent");
        return file;
    }

    private static Path root() {
        var property = System.getProperty("sextant.shared");
        if (property != null) return Path.of(property);
        return Stream.iterate(Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent)
            .filter(folder -> Files.exists(folder.resolve("native/include/sextant/sextant.h"))).findFirst()
            .map(repository -> repository.resolveSibling("shared")).orElse(Path.of("shared"));
    }
}
