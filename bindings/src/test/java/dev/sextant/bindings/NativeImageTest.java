// SPDX-License-Identifier: Apache-2.0
package dev.sextant.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * GraalVM's native-image compiles only those downcalls that it is told of: the file that tells it lists each signature of the
 * header. A missing one would make an image fail at its first use of that function.
 */
class NativeImageTest {
    private static final String FILE = "/META-INF/native-image/dev.sextant/sextant-bindings/reachability-metadata.json";

    @Test
    void metadataListTheHeadersSignatures() throws Exception {
        try (var stream = NativeImageTest.class.getResourceAsStream(FILE)) {
            var committed = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(metadata(Header.parse(Header.text())), committed, "src/main/resources" + FILE + " must hold what was expected");
        }
    }

    static String metadata(Header header) {
        var signatures = new TreeSet<String>();
        for (var function : header.functions().values()) {
            signatures.add("      {\"returnType\": %s, \"parameterTypes\": [%s]}".formatted(type(function.result()),
                    function.arguments().stream().map(NativeImageTest::type).collect(Collectors.joining(", "))));
        }
        return """
                {
                  "foreign": {
                    "downcalls": [
                %s
                    ]
                  },
                  "resources": [
                    {"glob": "native/*/*"}
                  ]
                }
                """.formatted(String.join(",\n", signatures));
    }

    private static String type(String carrier) {
        return switch (carrier) {
            case "pointer" -> "\"void*\"";
            case "void" -> "\"void\"";
            default -> "\"j" + carrier + "\"";
        };
    }
}
