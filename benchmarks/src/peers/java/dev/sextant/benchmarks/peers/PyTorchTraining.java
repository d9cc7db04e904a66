// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks.peers;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.sextant.Tensor;
import dev.sextant.benchmarks.Case;
import dev.sextant.benchmarks.Engine.Session;
import dev.sextant.benchmarks.SextantTraining;
import dev.sextant.benchmarks.TrainingEngine;
import dev.sextant.graph.TrainingGraph;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * PyTorch, training, in libtorch through DJL. Not operation by operation through JNI: a {@link PyTorchStep whole step} is one call, so
 * that neither Java nor Python slow it down, in either of the two memory formats that PyTorch has for pictures.
 */
public sealed class PyTorchTraining implements TrainingEngine {
    private static final String ENGINE = "PyTorch";
    private final boolean isChannelsLast;

    private PyTorchTraining(boolean isChannelsLast) {
        this.isChannelsLast = isChannelsLast;
    }

    /** Pictures in the order n c h w. */
    public static final class Plain extends PyTorchTraining {
        public Plain() {
            super(false);
        }
    }

    /** Pictures in the order n h w c. */
    public static final class ChannelsLast extends PyTorchTraining {
        public ChannelsLast() {
            super(true);
        }
    }

    @Override
    public String name() {
        return isChannelsLast ? "pytorch-nhwc" : "pytorch";
    }

    @Override
    public String title() {
        return "PyTorch " + Engine.getEngine(ENGINE).getVersion() + (isChannelsLast ? " channels_last" : "") + " (DJL, TorchScript)";
    }

    @Override
    public Session open(Case problem) throws IOException {
        return new Run(problem, isChannelsLast);
    }

    private static final class Run implements Session {
        private final PtNDManager manager = (PtNDManager) NDManager.newBaseManager(Device.cpu(), ENGINE);
        private final int threads;
        private final PtSymbolBlock step;
        private final NDList batch;
        private float loss;

        Run(Case problem, boolean isChannelsLast) throws IOException {
            threads = problem.threads();
            var program = new PyTorchStep(TrainingGraph.describe(problem.network().body(), problem.shape()));
            var archive = program.archive(isChannelsLast);
            step = JniUtils.loadModule(manager, new ByteArrayInputStream(archive), false, false);
            give(program, SextantTraining.parameters(problem));
            var shape = problem.shape();
            int n = shape.dim(0), c = shape.dim(1), h = shape.dim(2), w = shape.dim(3);
            var pictures = manager.create(problem.input(), new Shape(n, c, h, w));
            if (isChannelsLast) {
                // What Tensor.contiguous(memory_format=torch.channels_last) makes: n h w c in memory, strides that say n c h w.
                var last = pictures.transpose(0, 2, 3, 1).flatten().reshape(n, h, w, c);
                pictures = last.transpose(0, 3, 1, 2);
            }
            long[] labels = IntStream.of(TrainingEngine.labels(problem)).asLongStream().toArray();
            batch = new NDList(pictures, manager.create(labels));
        }

        private void give(PyTorchStep program, Map<String, Tensor> tensors) {
            try (var room = manager.newSubManager()) {
                var all = new NDList();
                for (var key : program.keys()) all.add(array(tensors.get(key), room));
                // DJL reads from an argument's name which list it belongs to, or which method is meant.
                var method = room.zeros(new Shape(1));
                method.setName("module_method:give");
                all.add(method);
                call(all).close();
            }
        }

        private static NDArray array(Tensor tensor, NDManager manager) {
            var dims = tensor.shape().dims().stream().mapToLong(Integer::longValue).toArray();
            var array = manager.create(tensor.data().toArray(ValueLayout.JAVA_FLOAT), new Shape(dims));
            array.setName("all[]");
            return array;
        }

        /** In DJL's mode of training: else there is no autograd. */
        private NDList call(NDList arguments) {
            return IValueUtils.forward(step, arguments, true);
        }

        @Override
        public void run() {
            if (JniUtils.getNumThreads() != threads) JniUtils.setNumThreads(threads);
            try (var _ = Engine.getEngine(ENGINE).newGradientCollector(); var result = call(batch)) {
                loss = result.singletonOrThrow().getFloat();
            }
        }

        @Override
        public float[] output() {
            return new float[] {loss};
        }

        @Override
        public void close() {
            step.close();
            manager.close();
        }
    }
}
