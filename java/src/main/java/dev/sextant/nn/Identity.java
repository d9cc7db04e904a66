// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/** The input itself: the plain branch of {@link Add} and {@link Concat}. */
public record Identity() implements Nn {

    @Override
    public String toString() {
        return "identity()";
    }
}
