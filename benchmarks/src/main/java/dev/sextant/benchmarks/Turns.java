// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Times of several sessions that take short turns, so that a slow spell of the machine hits all of them alike. */
final class Turns {
    private static final int WARM_UP = 3, ROUNDS = 5, RUNS = 500;
    private static final long TURN_NANOSECONDS = 100_000_000, LONG_NANOSECONDS = 1_000_000_000;
    /** Between turns: threads of OpenMP, which PyTorch's are, spin for up to a fifth of a second after their work. */
    private static final long PAUSE_MILLISECONDS = 250;

    private Turns() {}

    /** Seconds per run, a list a session. A turn is a few runs long, so that a session's weights are as warm as in real use. */
    static List<double[]> measure(List<Engine.Session> sessions, double seconds) throws Exception {
        var times = sessions.stream().map(s -> new ArrayList<Double>()).toList();
        for (var session : sessions) {
            for (int i = 0; i < WARM_UP; i++) session.run();
        }
        long begin = System.nanoTime();
        for (int round = 0; round < ROUNDS || System.nanoTime() - begin < seconds * 1e9; round++) {
            for (int i = 0; i < sessions.size(); i++) {
                long turn = System.nanoTime(), took = 0;
                for (int runs = 0;
                        runs < 2 && took < LONG_NANOSECONDS || runs < RUNS && System.nanoTime() - turn < TURN_NANOSECONDS; runs++) {
                    long start = System.nanoTime();
                    sessions.get(i).run();
                    took = System.nanoTime() - start;
                    // The first run of a turn finds the caches full of another engine's data; a long one does not feel that.
                    if (runs > 0 || took >= LONG_NANOSECONDS) times.get(i).add(took * 1e-9);
                }
                if (sessions.size() > 1) Thread.sleep(PAUSE_MILLISECONDS);
            }
        }
        return times.stream().map(list -> list.stream().mapToDouble(Double::doubleValue).toArray()).toList();
    }

    static double median(double[] values) {
        var sorted = sorted(values);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    /** The smallest value that a share of {@code percent} % does not exceed. */
    static double percentile(double[] values, double percent) {
        var sorted = sorted(values);
        return sorted[Math.max(0, (int) Math.ceil(percent / 100 * sorted.length) - 1)];
    }

    private static double[] sorted(double[] values) {
        var sorted = values.clone();
        Arrays.sort(sorted);
        return sorted;
    }
}
