// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import java.io.IOException;

/**
 * A file is not what its format demands; the message is one sentence, on one line, naming the file, the place, what was expected and
 * what was found.
 */
public final class FormatException extends IOException {
    private static final long serialVersionUID = 1;
    private static final int LONGEST = 1000;

    /** Makes an exception whose message is complete. */
    public FormatException(String message) {
        super(line(message));
    }

    /** Makes an exception whose message is complete, with the parser's own complaint as its cause. */
    public FormatException(String message, Throwable cause) {
        super(line(message), cause);
    }

    /** Names from the file may stand in it: whatever they are made of, it stays one line of a bearable length. */
    private static String line(String message) {
        var shown = message.length() > LONGEST ? message.substring(0, LONGEST - 3) + "..." : message;
        return shown.replaceAll("[\\p{Cc}\\p{Zl}\\p{Zp}]", "?");
    }
}
