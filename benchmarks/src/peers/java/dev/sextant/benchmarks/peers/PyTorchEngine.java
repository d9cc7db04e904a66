// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks.peers;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.pooling.Pool;
import ai.djl.pytorch.jni.JniUtils;
import dev.sextant.benchmarks.Case;
import dev.sextant.benchmarks.Engine;
import dev.sextant.benchmarks.SextantEngine;
import dev.sextant.graph.Constant;
import dev.sextant.graph.DropIdentities;
import dev.sextant.graph.FoldBatchNorm;
import dev.sextant.graph.Function;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Node;
import dev.sextant.graph.Node.PoolKind;
import dev.sextant.graph.Parameters;
import dev.sextant.graph.Value;
import java.lang.foreign.Arena;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * PyTorch through DJL: each node of the network is one of its eager operations, which call oneDNN. Batch norms are folded for it and a
 * value is freed as soon as its last reader has run, as a Python program's would be. DJL has no word for channels_last.
 */
public final class PyTorchEngine implements Engine {
    private static final String ENGINE = "PyTorch";

    @Override
    public String name() {
        return "pytorch";
    }

    @Override
    public String title() {
        return "PyTorch " + ai.djl.engine.Engine.getEngine(ENGINE).getVersion() + " (DJL, eager)";
    }

    @Override
    public Session open(Case problem) {
        return new Run(problem, SextantEngine.graph(problem));
    }

    @Override
    public Session openLayer(Case problem, String layer) {
        var whole = SextantEngine.graph(problem);
        var node = whole.nodes().stream().filter(n -> n.name().equals(layer)).findFirst().orElseThrow();
        return new Run(problem, new Graph(node.sources().getFirst(), List.of(node), node.dst(), new LinkedHashMap<>(),
            whole.storage()));
    }

    private static final class Run implements Session {
        private final NDManager manager = NDManager.newBaseManager(Device.cpu(), ENGINE);
        private final Graph graph;
        private final Parameters parameters;
        private final Map<Constant, NDArray> constants = new HashMap<>();
        /** What nobody reads after each node. */
        private final List<List<Value>> finished = new ArrayList<>();
        private final Map<Value, NDArray> values = new HashMap<>();
        private final int threads;
        private final NDArray input;
        private NDArray output;

        Run(Case problem, Graph described) {
            threads = problem.threads();
            graph = described.through(List.of(new DropIdentities(), new FoldBatchNorm()));
            parameters = SextantEngine.parameters(problem);
            var shape = graph.input().shape();
            input = manager.create(Case.input(shape), shape(shape));
            try (var arena = Arena.ofConfined()) {
                for (var node : graph.nodes()) {
                    for (var constant : node.constants()) constants.computeIfAbsent(constant, c -> array(c, arena));
                }
            }
            findLastReaders();
        }

        private NDArray array(Constant constant, Arena arena) {
            var floats = constant.evaluate(parameters, arena).asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer();
            var copy = new float[floats.remaining()];
            floats.get(copy);
            return manager.create(copy, shape(constant.shape()));
        }

        private void findLastReaders() {
            var last = new HashMap<Value, Integer>();
            for (int i = 0; i < graph.nodes().size(); i++) {
                finished.add(new ArrayList<>());
                for (var source : graph.nodes().get(i).sources()) last.put(source, i);
            }
            last.forEach((value, reader) -> {
                if (!value.equals(graph.input()) && !value.equals(graph.output())) finished.get(reader).add(value);
            });
        }

        private static Shape shape(dev.sextant.Shape shape) {
            return new Shape(shape.dims().stream().mapToLong(Integer::longValue).toArray());
        }

        @Override
        public void run() {
            if (JniUtils.getNumThreads() != threads) JniUtils.setNumThreads(threads);
            if (output != null) output.close();
            values.clear();
            values.put(graph.input(), input);
            for (int i = 0; i < graph.nodes().size(); i++) {
                var node = graph.nodes().get(i);
                values.put(node.dst(), result(node));
                for (var value : finished.get(i)) values.remove(value).close();
            }
            output = values.get(graph.output());
        }

        private NDArray result(Node node) {
            var src = values.get(node.sources().getFirst());
            return switch (node) {
                case Node.Conv conv -> {
                    var w = conv.window();
                    yield Conv2d.conv2d(src, constants.get(conv.weights()), constants.get(conv.bias()),
                        new Shape(w.strideH(), w.strideW()), new Shape(w.padTop(), w.padLeft()), new Shape(w.dilation(), w.dilation()),
                        conv.groups()).singletonOrThrow();
                }
                case Node.Linear linear -> {
                    var rows = src.reshape(src.getShape().get(0), -1);
                    var sum = ai.djl.nn.core.Linear.linear(rows, constants.get(linear.weights()), constants.get(linear.bias()));
                    rows.close();
                    yield sum.singletonOrThrow();
                }
                case Node.Pool pool -> pool(pool, src);
                case Node.Lrn lrn -> lrn(lrn, src);
                case Node.BatchNorm norm -> {
                    try (var scale = constants.get(norm.norm().scale()).reshape(1, -1, 1, 1);
                         var shift = constants.get(norm.norm().shift()).reshape(1, -1, 1, 1);
                         var scaled = src.mul(scale)) {
                        yield scaled.add(shift);
                    }
                }
                case Node.Eltwise eltwise -> eltwise.other() != null ? src.add(values.get(eltwise.other()))
                    : function(eltwise.tail(), src);
                case Node.Softmax softmax -> softmax.log() ? src.logSoftmax(1) : src.softmax(1);
                case Node.Concat concat ->
                    NDArrays.concat(new NDList(concat.sources().stream().map(values::get).toArray(NDArray[]::new)), 1);
                case Node.Flatten flatten -> {
                    try (var flat = src.reshape(src.getShape().get(0), -1)) {
                        yield flat.duplicate();
                    }
                }
                case Node.Shortcut shortcut -> shortcut(shortcut, src);
                case Node.Identity identity -> src.duplicate();
                case Node.Reorder _, Node.TrainingNorm _, Node.Dropout _ ->
                    throw new IllegalArgumentException("pytorch: expects a graph of inference before its passes, found " + node.text());
            };
        }

        private static NDArray function(Function function, NDArray src) {
            return switch (function) {
                case RELU -> src.getNDArrayInternal().relu();
                case TANH -> src.getNDArrayInternal().tanh();
                case SIGMOID -> src.getNDArrayInternal().sigmoid();
                case IDENTITY -> src.duplicate();
            };
        }

        private static NDArray pool(Node.Pool pool, NDArray src) {
            var w = pool.window();
            if (pool.kind() == PoolKind.AVERAGE_ADAPTIVE) {
                int r = pool.src().h() / pool.dst().h(), s = pool.src().w() / pool.dst().w();
                if (r * pool.dst().h() != pool.src().h() || s * pool.dst().w() != pool.src().w()) {
                    throw new IllegalArgumentException("pytorch: DJL has no adaptive pool from " + pool.src().shape() + " to "
                        + pool.dst().shape());
                }
                return Pool.avgPool2d(src, new Shape(r, s), new Shape(r, s), new Shape(0, 0), false, true);
            }
            var kernel = new Shape(w.r(), w.s());
            var stride = new Shape(w.strideH(), w.strideW());
            var pad = new Shape(w.padTop(), w.padLeft());
            int floor = (pool.src().h() + 2 * w.padTop() - w.r()) / w.strideH() + 1;
            boolean ceil = pool.dst().h() > floor;
            return pool.kind() == PoolKind.MAX ? Pool.maxPool2d(src, kernel, stride, pad, ceil)
                : Pool.avgPool2d(src, kernel, stride, pad, ceil, pool.kind() == PoolKind.AVERAGE_WITH_PAD);
        }

        /** DJL binds no local response norm: the sum over neighbouring channels from shifted slices. */
        private static NDArray lrn(Node.Lrn lrn, NDArray src) {
            try (var scope = src.getManager().newSubManager()) {
                var shape = src.getShape();
                int before = lrn.size() / 2, after = (lrn.size() - 1) / 2;
                var local = src.duplicate();
                local.attach(scope);
                var squares = local.square();
                var padded = NDArrays.concat(new NDList(
                    scope.zeros(new Shape(shape.get(0), before, shape.get(2), shape.get(3))), squares,
                    scope.zeros(new Shape(shape.get(0), after, shape.get(2), shape.get(3)))), 1);
                var sum = scope.zeros(shape);
                for (int i = 0; i < lrn.size(); i++) sum.addi(padded.get(":, " + i + ":" + (i + shape.get(1))));
                var result = local.div(sum.mul(lrn.alpha()).add(lrn.k()).pow(lrn.beta()));
                result.attach(src.getManager());
                return result;
            }
        }

        private static NDArray shortcut(Node.Shortcut shortcut, NDArray src) {
            var dst = shortcut.dst();
            int before = (dst.c() - shortcut.src().c()) / 2, after = dst.c() - shortcut.src().c() - before;
            try (var scope = src.getManager().newSubManager()) {
                var pixels = src.get(":, :, ::" + shortcut.stride() + ", ::" + shortcut.stride());
                pixels.attach(scope);
                var result = NDArrays.concat(new NDList(scope.zeros(new Shape(dst.n(), before, dst.h(), dst.w())), pixels,
                    scope.zeros(new Shape(dst.n(), after, dst.h(), dst.w()))), 1);
                result.attach(src.getManager());
                return result;
            }
        }

        @Override
        public float[] output() {
            return output.toFloatArray();
        }

        @Override
        public void close() {
            manager.close();
        }
    }
}
