// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A command in a fresh Java process with this one's class path, for what a process can be asked only once. */
final class Fork {
    private Fork() {}

    /** Runs {@code main} to its end, its output among ours. */
    static void java(Class<?> main, List<String> options, Map<String, String> environment, List<String> arguments)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
            "--enable-native-access=ALL-UNNAMED"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        var process = new ProcessBuilder(command).inheritIO();
        process.environment().putAll(environment);
        int status = process.start().waitFor();
        if (status != 0) {
            throw new IllegalArgumentException("the process for " + String.join(" ", arguments) + " ended with status " + status);
        }
    }
}
