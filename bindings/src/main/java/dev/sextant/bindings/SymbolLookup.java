// SPDX-License-Identifier: Apache-2.0
package dev.sextant.bindings;

import java.lang.foreign.MemorySegment;

/**
 * What the generated classes look symbols up with. They mean {@link java.lang.foreign.SymbolLookup}, which they import on
 * demand, but a class of the same package comes first: so the first function looked up loads the library, nobody can forget to,
 * and the generated code stays as jextract wrote it. It looks in libsextant and nowhere else.
 */
record SymbolLookup() {
    static SymbolLookup loaderLookup() {
        return new SymbolLookup();
    }

    SymbolLookup or(java.lang.foreign.SymbolLookup other) {
        return this;
    }

    MemorySegment findOrThrow(String name) {
        return SextantLibrary.symbols().find(name).orElseThrow(() -> new UnsatisfiedLinkError(
                "%s has no function %s: it is of another version than these classes".formatted(SextantLibrary.load(), name)));
    }
}
