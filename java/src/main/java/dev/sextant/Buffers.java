// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a plan runs on: the workspace, then the caller's buffers. On a processor all of it is one stretch of memory. On a remote
 * device what Java reads and writes is memory of this machine that the device reaches, and the rest the device's own: Java sees
 * copies of that.
 */
final class Buffers {
    private static final long ALIGNMENT = 64, REMOTE_ALIGNMENT = 256;

    private final Device device;
    private final MemorySegment[] segments;
    private final boolean[] isDevices;
    private final MemorySegment addresses;

    /**
     * @param arena frees the memory when it closes
     * @param bytes of each buffer
     * @param isShared whether Java reads and writes it between runs
     * @param what it is for, in messages
     */
    Buffers(Device device, Arena arena, long[] bytes, boolean[] isShared, String what) {
        this.device = device;
        segments = new MemorySegment[bytes.length];
        isDevices = new boolean[bytes.length];
        addresses = arena.allocate(ValueLayout.ADDRESS, bytes.length);
        if (device.isRemote()) {
            // What is copied after the device was closed goes through the device all the same.
            device.retain();
            MemorySegment.ofAddress(1).reinterpret(arena, address -> device.release());
            for (int i = 0; i < bytes.length; i++) isDevices[i] = !isShared[i];
            place(arena, bytes, true, what);
            place(arena, bytes, false, what);
        } else {
            place(arena, bytes, false, what);
        }
        for (int i = 0; i < bytes.length; i++) set(i, segments[i]);
    }

    /** Puts those that are, or are not, the device's alone into one stretch. */
    private void place(Arena arena, long[] bytes, boolean devices, String what) {
        long alignment = device.isRemote() ? REMOTE_ALIGNMENT : ALIGNMENT;
        long total = 0;
        for (int i = 0; i < bytes.length; i++) total += isDevices[i] == devices ? aligned(bytes[i], alignment) : 0;
        var all = device.allocate(Math.max(total, alignment), !devices, arena, what);
        long offset = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (isDevices[i] != devices) continue;
            segments[i] = all.asSlice(offset, bytes[i]);
            offset += aligned(bytes[i], alignment);
        }
    }

    private static long aligned(long bytes, long alignment) {
        return (bytes + alignment - 1) / alignment * alignment;
    }

    /** For the run: as many addresses as there are buffers. */
    MemorySegment addresses() {
        return addresses;
    }

    /** Lets runs use other memory for a buffer, or with {@link #get} its own again. Only on a processor. */
    void set(int buffer, MemorySegment memory) {
        addresses.setAtIndex(ValueLayout.ADDRESS, buffer, memory);
    }

    /** The memory itself. Where it is the device's alone, touching it ends the program: see {@link #content}. */
    MemorySegment get(int buffer) {
        return segments[buffer];
    }

    /** What Java may read: the memory itself, or a copy in {@code scratch} where it is the device's alone. */
    MemorySegment content(int buffer, Arena scratch) {
        var room = room(buffer, scratch);
        if (isDevices[buffer]) device.copy(room, segments[buffer]);
        return room;
    }

    /** What Java may write before {@link #put}: the memory itself, or zeros in {@code scratch} where it is the device's alone. */
    MemorySegment room(int buffer, Arena scratch) {
        return isDevices[buffer] ? scratch.allocate(segments[buffer].byteSize(), ALIGNMENT) : segments[buffer];
    }

    /** Brings what was written to {@link #room} to its buffer. */
    void put(int buffer, MemorySegment room) {
        if (isDevices[buffer]) device.copy(segments[buffer], room);
    }

    /** Fills a buffer from memory of any kind. */
    void write(int buffer, MemorySegment from) {
        var segment = segments[buffer];
        if (!isDevices[buffer]) {
            MemorySegment.copy(from, 0, segment, 0, segment.byteSize());
        } else if (from.isNative()) {
            device.copy(segment, from);
        } else {
            try (var scratch = Arena.ofConfined()) {
                device.copy(segment, scratch.allocate(segment.byteSize(), ALIGNMENT).copyFrom(from));
            }
        }
    }

    /** Copies a buffer to memory of any kind. */
    void read(int buffer, MemorySegment to) {
        var segment = segments[buffer];
        if (isDevices[buffer] && to.isNative()) {
            device.copy(to, segment);
        } else if (isDevices[buffer]) {
            try (var scratch = Arena.ofConfined()) {
                to.copyFrom(content(buffer, scratch));
            }
        } else {
            MemorySegment.copy(segment, 0, to, 0, segment.byteSize());
        }
    }
}
