// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import java.util.concurrent.locks.ReentrantLock;

/** What one thread at a time may use, and anyone close: a second user is refused, a closer waits for the one there is. */
final class OneUser {
    private final ReentrantLock use = new ReentrantLock();
    private final String name;
    /** Set before the closer waits, so that no user overtakes it again and again. */
    private volatile boolean isClosed;
    private boolean isFreed;

    /** @param name what is used, for messages */
    OneUser(String name) {
        this.name = name;
    }

    /**
     * To be followed by {@link #end}.
     *
     * @throws IllegalStateException if another thread uses it, or it is closed
     */
    void begin(String what) {
        boolean entered = use.tryLock();
        if (isClosed) {
            if (entered) use.unlock();
            throw new IllegalStateException(what + ": the " + name + " is closed");
        }
        if (!entered) {
            throw new IllegalStateException(what + ": another thread is using this " + name + ", give each thread one of its own");
        }
    }

    void end() {
        use.unlock();
    }

    /** Waits for the user to end, then runs {@code free}; the first time only. */
    void close(Runnable free) {
        isClosed = true;
        use.lock();
        try {
            if (isFreed) return;
            isFreed = true;
            free.run();
        } finally {
            use.unlock();
        }
    }
}
