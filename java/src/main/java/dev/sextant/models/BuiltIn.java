// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import dev.sextant.io.Safetensors;
import dev.sextant.io.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/** The weights that Sextant ships, trained by itself: what made them stands in their metadata. */
public final class BuiltIn {
    private static final List<String> NAMES = List.of("lenet5", "resnet20");

    private BuiltIn() {}

    /** The networks that have some. */
    public static List<String> names() {
        return NAMES;
    }

    public static boolean has(Network network) {
        return NAMES.contains(network.name());
    }

    /**
     * Those of {@code network}, to be closed by the caller.
     *
     * @throws IllegalArgumentException if it has none, naming those that do
     */
    public static Weights weights(Network network) {
        if (!has(network)) {
            throw new IllegalArgumentException(network.name() + ": no weights are built in, only those of " + String.join(" and ", NAMES)
                + " are");
        }
        var file = network.name() + ".safetensors";
        try (var stream = BuiltIn.class.getResourceAsStream(file)) {
            if (stream == null) throw new IllegalStateException("the built-in " + file + " is missing from this jar");
            return Safetensors.read(stream.readAllBytes(), "the built-in " + file);
        } catch (IOException e) {
            throw new UncheckedIOException("the built-in " + file + " cannot be read: " + e.getMessage(), e);
        }
    }
}
