// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/** Something that runs networks: we, or a peer. */
public interface Engine {

    /** {@code sextant}, {@code onnxruntime}. */
    String name();

    /** Name and version, as a table of results should say it. */
    String title();

    /** Prepares a case: everything that is not part of a forward pass happens here. */
    Session open(Case problem) throws Exception;

    /**
     * Prepares one layer of a case by itself, on the case's seeded weights and any input.
     *
     * @param layer its name, as {@link dev.sextant.Predictor.Step#name} gives it
     */
    Session openLayer(Case problem, String layer) throws Exception;

    /** One network on one input, ready to run again and again. */
    interface Session extends AutoCloseable {

        /** One forward pass from the input to the logits, both in memory of the engine's choice. */
        void run() throws Exception;

        /** The last run's logits, row-major. */
        float[] output() throws Exception;

        @Override
        void close();
    }

    /** Ourselves, then the peers on the class path (the Maven profile {@code peers} puts them there). */
    static List<Engine> all() {
        var engines = new ArrayList<Engine>(List.of(new SextantEngine()));
        ServiceLoader.load(Engine.class).forEach(engines::add);
        return engines;
    }

    /** @throws IllegalArgumentException saying how a peer gets onto the class path */
    static Engine named(String name) {
        return all().stream().filter(engine -> engine.name().equals(name)).findFirst().orElseThrow(() -> new IllegalArgumentException(
            "engine '" + name + "' is not on the class path: build the benchmarks with -P peers, or choose among "
                + all().stream().map(Engine::name).toList()));
    }
}
