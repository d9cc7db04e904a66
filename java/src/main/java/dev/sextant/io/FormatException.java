// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import java.io.IOException;

/**
 * A file is not what its format demands; the message is one sentence naming the file, the place, what was expected and what was
 * found.
 */
public final class FormatException extends IOException {
    private static final long serialVersionUID = 1;

    /** Makes an exception whose message is complete. */
    public FormatException(String message) {
        super(message);
    }

    /** Makes an exception whose message is complete, with the parser's own complaint as its cause. */
    public FormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
