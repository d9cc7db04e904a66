// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import dev.sextant.Tensor;
import dev.sextant.io.FormatException;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Optional;

/**
 * Where a training is saved: {@value #STATE} holds all of a {@link Snapshot}, and {@value #WEIGHTS} its weights alone, for
 * {@code evaluate}, {@code classify} and other frameworks. Each file is written beside its place, brought to the disk and then
 * moved over the old one, so that whatever ends the process or the machine leaves the last good one.
 *
 * @param folder made by the first {@link #write}
 */
public record CheckpointFolder(Path folder) {
    /** The file that a training goes on from. */
    public static final String STATE = "training.safetensors";
    /** The file that models are loaded from. */
    public static final String WEIGHTS = "weights.safetensors";

    /** The file that a training goes on from. */
    public Path state() {
        return folder.resolve(STATE);
    }

    /** The file that models are loaded from. */
    public Path weights() {
        return folder.resolve(WEIGHTS);
    }

    /** Replaces what was saved before. */
    public void write(Snapshot snapshot, Network network) throws IOException {
        Files.createDirectories(folder);
        Safetensors.write(state(), snapshot.tensors(), snapshot.metadata(network));
        Safetensors.write(weights(), snapshot.parameters(), snapshot.notes(network));
    }

    /**
     * What was saved last; empty if nothing ever was. Also takes away what a writer that was killed left behind.
     *
     * @throws FormatException if the file is damaged or no checkpoint of a training
     */
    public Optional<Snapshot> read() throws IOException {
        if (!Files.exists(state())) return Optional.empty();
        removeRemains();
        try (var stored = Safetensors.open(state())) {
            var tensors = new HashMap<String, Tensor>();
            // Copies on the heap: the file will be replaced while they are in use.
            for (var key : stored.keys()) tensors.put(key, Tensor.of(stored.shape(key), stored.tensor(key).toArray()));
            return Optional.of(Snapshot.of(tensors, stored.metadata()));
        } catch (IllegalArgumentException e) {
            throw new FormatException(state() + ": expects a training's checkpoint: " + e.getMessage(), e);
        }
    }

    private void removeRemains() throws IOException {
        try (var files = Files.newDirectoryStream(folder, ".{" + STATE + "," + WEIGHTS + "}.*.tmp")) {
            for (var file : files) Files.deleteIfExists(file);
        }
    }
}
