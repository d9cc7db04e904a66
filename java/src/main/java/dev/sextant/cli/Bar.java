// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.nio.charset.Charset;
import java.util.Locale;

/** A probability as a bar of at most {@link #WIDTH} characters: eighths of a block where the terminal can show them, else {@code #}. */
enum Bar {
    BLOCKS, HASHES;

    static final int WIDTH = 20;
    private static final String EIGHTHS = " ▏▎▍▌▋▊▉";

    /** The finest bar that {@code charset} can write. */
    static Bar in(Charset charset) {
        return charset.newEncoder().canEncode("█" + EIGHTHS) ? BLOCKS : HASHES;
    }

    String of(double share) {
        if (this == HASHES) return "#".repeat((int) Math.round(share * WIDTH));
        int eighths = (int) Math.round(share * WIDTH * 8);
        return "█".repeat(eighths / 8) + (eighths % 8 == 0 ? "" : EIGHTHS.charAt(eighths % 8));
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
