// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.util.Arrays;

/** Nanoseconds of repeated runs, ascending. */
record Timing(long[] nanoseconds) {
    private static final int FEWEST = 5, WARMUP = 3;

    Timing {
        nanoseconds = nanoseconds.clone();
        Arrays.sort(nanoseconds);
    }

    /** Repeats {@code run} for {@code seconds}, at least {@value #FEWEST} times, after a fifth of that time or {@value #WARMUP} runs to warm up. */
    static Timing of(Runnable run, double seconds) {
        repeat(run, seconds / 5, WARMUP);
        return new Timing(repeat(run, seconds, FEWEST));
    }

    private static long[] repeat(Runnable run, double seconds, int atLeast) {
        var times = new long[1024];
        int count = 0;
        long begin = System.nanoTime();
        for (long start = begin; count < atLeast || start - begin < seconds * 1e9; count++) {
            run.run();
            long end = System.nanoTime();
            if (count == times.length) times = Arrays.copyOf(times, 2 * count);
            times[count] = end - start;
            start = end;
        }
        return Arrays.copyOf(times, count);
    }

    int runs() {
        return nanoseconds.length;
    }

    /** The time that a share of the runs did not exceed, in milliseconds: the nearest rank; 0 gives the fastest, 0.5 the median. */
    double milliseconds(double share) {
        return nanoseconds[Math.max(0, (int) Math.ceil(share * runs()) - 1)] / 1e6;
    }
}
