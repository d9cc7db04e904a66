// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/** Something that trains networks: we, or a peer in one of its ways to do it. */
public interface TrainingEngine {
    /** Small enough that the same pictures a thousand times over neither blow up nor drive gradients into denormal numbers. */
    double LEARNING_RATE = 1e-4, MOMENTUM = 0.9, WEIGHT_DECAY = 1e-4;

    /** {@code sextant}, {@code pytorch}. */
    String name();

    /** Name and version, as a table of results should say it. */
    String title();

    /**
     * Prepares the training of a case, on its seeded weights and input, with {@link #labels}. A run of the session is one step:
     * forward, cross-entropy with those of auxiliary heads, backward, SGD with momentum and decay of all parameters. The output is
     * one number, the loss of the last step.
     */
    Engine.Session open(Case problem) throws Exception;

    /** The class of each picture. */
    static int[] labels(Case problem) {
        int classes = problem.network().labels().size();
        var labels = new int[problem.batch()];
        for (int i = 0; i < labels.length; i++) labels[i] = (37 * i + 5) % classes;
        return labels;
    }

    /** Ourselves, then the peers on the class path (the Maven profile {@code peers} puts them there). */
    static List<TrainingEngine> all() {
        var engines = new ArrayList<TrainingEngine>(List.of(new SextantTraining()));
        ServiceLoader.load(TrainingEngine.class).forEach(engines::add);
        return engines;
    }
}
