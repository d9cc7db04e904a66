// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** What all threads have taken from the heap since the process began; by reflection, as our module does not read the JDK's for this. */
final class Memory {
    private static final MethodHandle ALLOCATED = find();

    private Memory() {}

    private static MethodHandle find() {
        try {
            var lookup = MethodHandles.publicLookup();
            var threads = Class.forName("java.lang.management.ManagementFactory").getMethod("getThreadMXBean").invoke(null);
            var type = Class.forName("com.sun.management.ThreadMXBean");
            return lookup.findVirtual(type, "getTotalThreadAllocatedBytes", MethodType.methodType(long.class)).bindTo(threads);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    static long allocated() {
        try {
            return (long) ALLOCATED.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
