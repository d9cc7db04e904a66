// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.bindings.sextant_error;
import dev.sextant.bindings.sextant_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Calls of the C library, whose status becomes an exception with the library's own sentence. */
final class Native {
    private Native() {}

    /** A call that returns a status and has room for an error. */
    @FunctionalInterface
    interface Call {
        int on(MemorySegment error);
    }

    /** A call that also makes a handle. */
    @FunctionalInterface
    interface Creation {
        int on(MemorySegment handle, MemorySegment error);
    }

    static void check(Call call) {
        try (var arena = Arena.ofConfined()) {
            check(call, sextant_error.allocate(arena));
        }
    }

    /** For calls that may not allocate: {@code error} is the caller's. */
    static void check(Call call, MemorySegment error) {
        int status = call.on(error);
        if (status == sextant_h.SEXTANT_OK()) return;
        var message = sextant_error.message(error).getString(0);
        if (status == sextant_h.SEXTANT_INVALID_ARGUMENT()) throw new IllegalArgumentException(message);
        boolean lacks = status == sextant_h.SEXTANT_UNSUPPORTED() || status == sextant_h.SEXTANT_OUT_OF_MEMORY();
        throw lacks ? new DeviceException(message) : new SextantException(message);
    }

    static MemorySegment create(Creation creation) {
        try (var arena = Arena.ofConfined()) {
            var handle = arena.allocate(ValueLayout.ADDRESS);
            check(error -> creation.on(handle, error));
            return handle.get(ValueLayout.ADDRESS, 0);
        }
    }

    /** Zeroed memory on a boundary of 64 bytes, given back when {@code arena} closes. */
    static MemorySegment allocate(long bytes, Arena arena, String what) {
        var memory = sextant_h.sextant_memory_allocate(bytes);
        if (memory.equals(MemorySegment.NULL)) throw new DeviceException(what + ": no memory for " + bytes + " bytes");
        return memory.reinterpret(bytes, arena, freed -> sextant_h.sextant_memory_free(freed, bytes));
    }
}
