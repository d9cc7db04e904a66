// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * GraalVM's native-image puts only those resources into an image that it is told of: the jar tells it of every one that it has. (The
 * downcalls are listed in the bindings' jar, with a test of their own.)
 */
class NativeImageTest {
    private static final String METADATA = "META-INF/native-image/dev.sextant/sextant/reachability-metadata.json";

    @Test
    void metadataListEveryResource() throws IOException {
        var resources = Path.of(System.getProperty("sextant.root"), "java/src/main/resources");
        var patterns = new ArrayList<PathMatcher>();
        Pattern.compile("\\{\"glob\": \"([^\"]+)\"\\}").matcher(Files.readString(resources.resolve(METADATA))).results()
            .forEach(match -> patterns.add(FileSystems.getDefault().getPathMatcher("glob:" + match.group(1))));
        assertFalse(patterns.isEmpty());
        try (var files = Files.walk(resources)) {
            var needed = files.filter(Files::isRegularFile).map(resources::relativize).filter(file -> !file.startsWith("META-INF"))
                .toList();
            for (var file : needed) assertTrue(patterns.stream().anyMatch(pattern -> pattern.matches(file)), file + " is listed");
            for (var pattern : patterns) assertTrue(needed.stream().anyMatch(pattern::matches), "each pattern has a file");
        }
    }
}
