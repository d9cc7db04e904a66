// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Predictor;
import dev.sextant.bindings.sextant_h;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Parameters;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Sextant itself. */
public final class SextantEngine implements Engine {
    @Override
    public String name() {
        return "sextant";
    }

    @Override
    public String title() {
        return "Sextant " + sextant_h.sextant_version().getString(0);
    }

    @Override
    public Session open(Case problem) {
        return new Run(problem, null);
    }

    /** In the layout and with the fused tail that it has within the network. */
    @Override
    public Session openLayer(Case problem, String layer) {
        return new Run(problem, layer);
    }

    /** What is computed, before any pass. */
    public static Graph graph(Case problem) {
        return Graph.of(problem.network().body(), problem.shape());
    }

    /** The weights that every engine is given. */
    public static Parameters parameters(Case problem) {
        return Model.random(problem.network(), Case.SEED).parameters();
    }

    private static final class Run implements Session {
        private final Arena arena = Arena.ofConfined();
        private final Device device;
        private final Model model;
        private final Predictor predictor;
        private final MemorySegment input, output;

        /** @param layer null for all */
        Run(Case problem, String layer) {
            device = Device.cpu(problem.threads());
            model = Model.random(problem.network(), Case.SEED);
            var options = Predictor.Options.of(problem.shape()).withPrecision(problem.precision());
            var whole = model.predictor(device, options);
            if (layer == null) {
                predictor = whole;
            } else {
                var names = whole.steps().stream().map(Predictor.Step::name).toList();
                predictor = model.step(device, options, names.indexOf(layer));
                whole.close();
            }
            input = arena.allocateFrom(ValueLayout.JAVA_FLOAT, problem.input());
            output = arena.allocate(ValueLayout.JAVA_FLOAT, predictor.outputShape().elements());
        }

        @Override
        public void run() {
            predictor.predict(input, output);
        }

        @Override
        public float[] output() {
            return output.toArray(ValueLayout.JAVA_FLOAT);
        }

        @Override
        public void close() {
            predictor.close();
            model.close();
            device.close();
            arena.close();
        }
    }
}
