// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

/**
 * What went wrong below Java and was nobody's mistake in an argument: no memory left, nothing that supports it, a fault of the
 * library.
 */
public class SextantException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public SextantException(String message) {
        super(message);
    }
}
