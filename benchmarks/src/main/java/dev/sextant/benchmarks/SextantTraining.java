// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Device;
import dev.sextant.Tensor;
import dev.sextant.Trainer;
import dev.sextant.graph.Constant;
import dev.sextant.train.Optimizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;

/** Sextant itself, training. */
public final class SextantTraining implements TrainingEngine {
    @Override
    public String name() {
        return "sextant";
    }

    @Override
    public String title() {
        return new SextantEngine().title();
    }

    @Override
    public Engine.Session open(Case problem) {
        return new Run(problem);
    }

    /** What every engine begins with: parameters and running statistics by key, those of auxiliary heads included. */
    public static Map<String, Tensor> parameters(Case problem) {
        var source = SextantEngine.parameters(problem);
        var tensors = new LinkedHashMap<String, Tensor>();
        for (var parameter : problem.network().parameters()) {
            try (var arena = Arena.ofConfined()) {
                var values = source.floats(new Constant.Parameter(parameter.key(), parameter.shape()), arena);
                tensors.put(parameter.key(), Tensor.of(parameter.shape(), values.toArray(ValueLayout.JAVA_FLOAT)));
            }
        }
        return tensors;
    }

    private static final class Run implements Engine.Session {
        private final Device device;
        private final Trainer trainer;
        private double loss;

        Run(Case problem) {
            var optimizer = Optimizer.Sgd.of(MOMENTUM, WEIGHT_DECAY);
            device = Device.cpu(problem.threads());
            trainer = new Trainer(problem.network(), device, parameters(problem),
                Trainer.Options.of(problem.batch(), optimizer).withImage(problem.shape().dropFirst()).withPrecision(problem.precision()));
            trainer.images().copyFrom(MemorySegment.ofArray(problem.input()));
            int classes = problem.network().labels().size();
            var labels = TrainingEngine.labels(problem);
            for (int i = 0; i < labels.length; i++) {
                trainer.targets().setAtIndex(ValueLayout.JAVA_FLOAT, (long) i * classes + labels[i], 1);
            }
        }

        @Override
        public void run() {
            loss = trainer.step(LEARNING_RATE).loss();
        }

        @Override
        public float[] output() {
            return new float[] {(float) loss};
        }

        @Override
        public void close() {
            trainer.close();
            device.close();
        }
    }
}
