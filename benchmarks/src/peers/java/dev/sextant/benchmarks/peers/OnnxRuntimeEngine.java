// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.sextant.Shape;
import dev.sextant.benchmarks.Case;
import dev.sextant.benchmarks.Engine;
import dev.sextant.benchmarks.SextantEngine;
import dev.sextant.graph.Graph;
import dev.sextant.onnx.Onnx;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime's CPU provider on the same network and weights: all graph optimisations, its own thread pool of the same size, input and
 * output in buffers that are made once.
 */
public final class OnnxRuntimeEngine implements Engine {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();

    @Override
    public String name() {
        return "onnxruntime";
    }

    @Override
    public String title() {
        return "ONNX Runtime " + environment.getVersion();
    }

    @Override
    public Session open(Case problem) throws Exception {
        return open(problem, SextantEngine.graph(problem));
    }

    /** With plain NCHW on both sides: its own reorders to and from a blocked layout count, as far as it makes any. */
    @Override
    public Session openLayer(Case problem, String layer) throws Exception {
        var whole = SextantEngine.graph(problem);
        var node = whole.nodes().stream().filter(n -> n.name().equals(layer)).findFirst().orElseThrow();
        return open(problem, new Graph(node.sources().getFirst(), List.of(node), node.dst(), new LinkedHashMap<>(), whole.storage()));
    }

    private Session open(Case problem, Graph graph) throws Exception {
        var file = Files.createTempFile("sextant-", ".onnx");
        try {
            Onnx.save(graph, SextantEngine.parameters(problem), file);
            return new Run(file.toString(), graph, problem);
        } finally {
            Files.delete(file);
        }
    }

    private final class Run implements Session {
        private final OrtSession session;
        private final OnnxTensor input;
        private final OnnxTensor output;
        private final FloatBuffer logits;

        Run(String model, Graph graph, Case problem) throws OrtException {
            try (var options = new OrtSession.SessionOptions()) {
                options.setIntraOpNumThreads(problem.threads());
                options.setInterOpNumThreads(1);
                options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
                session = environment.createSession(model, options);
            }
            var shape = graph.input().shape();
            var pixels = floats(Math.toIntExact(shape.elements())).put(Case.input(shape)).flip();
            input = OnnxTensor.createTensor(environment, pixels, dims(shape));
            var result = graph.output().shape();
            logits = floats(Math.toIntExact(result.elements()));
            output = OnnxTensor.createTensor(environment, logits, dims(result));
        }

        private static long[] dims(Shape shape) {
            return shape.dims().stream().mapToLong(Integer::longValue).toArray();
        }

        private static FloatBuffer floats(int count) {
            return ByteBuffer.allocateDirect(count * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
        }

        @Override
        public void run() throws OrtException {
            session.run(Map.of("input", input), Map.of("output", output)).close();
        }

        @Override
        public float[] output() {
            var values = new float[logits.capacity()];
            logits.get(0, values);
            return values;
        }

        @Override
        public void close() {
            input.close();
            output.close();
            try {
                session.close();
            } catch (OrtException e) {
                throw new IllegalStateException("onnxruntime: closing its session failed", e);
            }
        }
    }
}
