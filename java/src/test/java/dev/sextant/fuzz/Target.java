// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import java.nio.file.Path;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * A loader and the files to damage for it.
 *
 * @param name for reports
 * @param file what its file is called
 * @param companions other files that it looks for beside, by name
 * @param mutations makes the content
 * @param dressing makes content that was damaged look sound from outside
 * @param reading the loader
 */
record Target(String name, String file, Map<String, byte[]> companions, Mutations mutations, Dressing dressing, Reading reading) {

    /** What goes around content: checksums, lengths, packing. */
    interface Dressing {
        byte[] around(byte[] content) throws Exception;
    }

    /** Reads a file to its end; the result is how many bytes it holds when unpacked, 0 where nothing is packed. */
    interface Reading {
        long read(Path file) throws Exception;
    }

    Target(String name, String file, Mutations mutations, Dressing dressing, Reading reading) {
        this(name, file, Map.of(), mutations, dressing, reading);
    }

    /** Mostly damage within, as a checksum would hide it, else damage of the whole. */
    byte[] input(RandomGenerator random) throws Exception {
        var seed = mutations.seed(random);
        return random.nextInt(4) > 0 ? dressing.around(mutations.damaged(seed, random)) : mutations.damaged(dressing.around(seed), random);
    }

    @Override
    public String toString() {
        return name;
    }
}
