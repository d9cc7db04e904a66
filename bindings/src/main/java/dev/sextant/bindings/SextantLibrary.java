// SPDX-License-Identifier: Apache-2.0
package dev.sextant.bindings;

/** Finds libsextant and loads it. */
public final class SextantLibrary {
    private SextantLibrary() {}
}
