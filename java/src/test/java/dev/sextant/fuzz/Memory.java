// SPDX-License-Identifier: Apache-2.0
package dev.sextant.fuzz;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;

/** What all threads have taken from the heap, and arenas from beside it; by reflection: our module does not read the JDK's for this. */
final class Memory {
    private static final MethodHandle ALLOCATED = find("getThreadMXBean", "com.sun.management.ThreadMXBean",
        "getTotalThreadAllocatedBytes");
    private static final MethodHandle BESIDE = find("getPlatformMXBeans", "java.lang.management.BufferPoolMXBean", "getMemoryUsed");

    /** The most that was seen beside the heap. */
    private static long beside;

    private Memory() {}

    private static MethodHandle find(String bean, String type, String method) {
        try {
            var factory = Class.forName("java.lang.management.ManagementFactory");
            var interfaceType = Class.forName(type);
            Object found;
            if (bean.equals("getThreadMXBean")) {
                found = factory.getMethod(bean).invoke(null);
            } else {
                var pools = (List<?>) factory.getMethod(bean, Class.class).invoke(null, interfaceType);
                found = pools.stream().filter(pool -> name(pool, interfaceType).equals("direct")).findFirst().orElseThrow();
            }
            return MethodHandles.publicLookup().findVirtual(interfaceType, method, MethodType.methodType(long.class)).bindTo(found);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static String name(Object pool, Class<?> type) {
        try {
            return (String) type.getMethod("getName").invoke(pool);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** Bytes taken from the heap since the process began. */
    static long allocated() {
        return value(ALLOCATED);
    }

    /** Bytes that arenas hold now. */
    static long beside() {
        return value(BESIDE);
    }

    /** Notes what arenas hold, for {@link #seen}: called while a loader's result is open. */
    static void look() {
        beside = Math.max(beside, beside());
    }

    /** The most that arenas held at a {@link #look} since the last call. */
    static long seen() {
        long most = beside;
        beside = 0;
        return most;
    }

    private static long value(MethodHandle handle) {
        try {
            return (long) handle.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
