// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.graph.Constant;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Node;
import dev.sextant.graph.Node.PoolKind;
import dev.sextant.graph.Parameters;
import dev.sextant.graph.Value;
import dev.sextant.graph.Window;
import dev.sextant.Shape;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Our description of a network written as an ONNX file (opset 17), layer by layer and unoptimised, so that a peer gets the same network,
 * the same weights and every chance to optimise. Field numbers are those of onnx.proto3.
 */
public final class OnnxModel {
    private static final int FLOAT = 1;

    private final Parameters parameters;
    private final Arena arena;
    private final Protobuf nodes = new Protobuf();
    private final List<Protobuf> heads = new ArrayList<>();
    private final List<MemorySegment> weights = new ArrayList<>();

    private OnnxModel(Parameters parameters, Arena arena) {
        this.parameters = parameters;
        this.arena = arena;
    }

    /** Writes {@code graph}, as it was traced and before any pass, to {@code file}. Input and output are called input and logits. */
    public static void write(Graph graph, Parameters parameters, Path file) throws IOException {
        try (var arena = Arena.ofConfined()) {
            new OnnxModel(parameters, arena).write(graph, file);
        }
    }

    private void write(Graph graph, Path file) throws IOException {
        for (var node : graph.nodes()) add(node);
        nodes.message(1, node("Identity", List.of(graph.output().toString()), "logits"));
        nodes.string(2, "sextant");
        nodes.message(11, tensor("input", graph.input().shape()));
        nodes.message(12, tensor("logits", graph.output().shape()));
        // node's names for the graph's input are values' names: an Identity in front keeps "input" for people
        var first = new Protobuf().message(1, node("Identity", List.of("input"), graph.input().toString()));
        long length = first.size() + nodes.size();
        for (int i = 0; i < weights.size(); i++) {
            long tensor = heads.get(i).size() + weights.get(i).byteSize();
            length += Protobuf.prefix(5, tensor).size() + tensor;
        }
        try (var out = Files.newOutputStream(file)) {
            new Protobuf().varint(1, 8).string(2, "sextant-benchmarks").message(8, new Protobuf().string(1, "").varint(2, 17)).writeTo(out);
            Protobuf.prefix(7, length).writeTo(out);
            first.writeTo(out);
            nodes.writeTo(out);
            for (int i = 0; i < weights.size(); i++) {
                Protobuf.prefix(5, heads.get(i).size() + weights.get(i).byteSize()).writeTo(out);
                heads.get(i).writeTo(out);
                copy(weights.get(i), out);
            }
        }
    }

    private static void copy(MemorySegment segment, OutputStream out) throws IOException {
        var buffer = new byte[1 << 20];
        for (long at = 0; at < segment.byteSize(); at += buffer.length) {
            int n = (int) Math.min(buffer.length, segment.byteSize() - at);
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, buffer, 0, n);
            out.write(buffer, 0, n);
        }
    }

    // ------------------------------------------------------------------------------------------ nodes

    private void add(Node node) {
        var sources = node.sources().stream().map(Value::toString).toList();
        var dst = node.dst().toString();
        switch (node) {
            case Node.Conv conv -> {
                var inputs = new ArrayList<>(List.of(sources.getFirst(), constant(conv.weights())));
                if (conv.bias() != null) inputs.add(constant(conv.bias()));
                nodes.message(1, window(node("Conv", inputs, dst), conv.window()).message(5, attribute("group", conv.groups())));
            }
            case Node.Linear linear -> {
                var rows = sources.getFirst();
                if (!linear.src().isFlat()) {
                    nodes.message(1, node("Flatten", sources, dst + "_rows").message(5, attribute("axis", 1)));
                    rows = dst + "_rows";
                }
                var inputs = new ArrayList<>(List.of(rows, constant(linear.weights())));
                if (linear.bias() != null) inputs.add(constant(linear.bias()));
                nodes.message(1, node("Gemm", inputs, dst).message(5, attribute("transB", 1)));
            }
            case Node.Pool pool -> nodes.message(1, pool(pool, sources, dst));
            case Node.Lrn lrn -> nodes.message(1, node("LRN", sources, dst).message(5, attribute("size", lrn.size()))
                .message(5, attribute("alpha", (float) (lrn.alpha() * lrn.size()))).message(5, attribute("beta", (float) lrn.beta()))
                .message(5, attribute("bias", (float) lrn.k())));
            case Node.BatchNorm norm -> {
                var inputs = new ArrayList<>(sources);
                norm.norm().parameters().forEach(parameter -> inputs.add(constant(parameter)));
                nodes.message(1, node("BatchNormalization", inputs, dst).message(5, attribute("epsilon", (float) norm.norm().eps())));
            }
            case Node.Eltwise eltwise -> nodes.message(1, node(eltwise.other() != null ? "Add" : switch (eltwise.tail()) {
                case RELU -> "Relu";
                case TANH -> "Tanh";
                case SIGMOID -> "Sigmoid";
                case IDENTITY -> "Identity";
            }, sources, dst));
            case Node.Softmax softmax ->
                nodes.message(1, node(softmax.log() ? "LogSoftmax" : "Softmax", sources, dst).message(5, attribute("axis", 1)));
            case Node.Concat _ -> nodes.message(1, node("Concat", sources, dst).message(5, attribute("axis", 1)));
            case Node.Flatten _ -> nodes.message(1, node("Flatten", sources, dst).message(5, attribute("axis", 1)));
            case Node.Identity _ -> nodes.message(1, node("Identity", sources, dst));
            case Node.Shortcut shortcut -> shortcut(shortcut, sources, dst);
            case Node.Reorder _, Node.TrainingNorm _, Node.Dropout _ ->
                throw new IllegalArgumentException("onnx: expects a graph of inference before its passes, found " + node.text());
        }
    }

    private Protobuf pool(Node.Pool pool, List<String> sources, String dst) {
        var window = pool.window();
        var src = pool.src();
        if (pool.kind() == PoolKind.AVERAGE_ADAPTIVE) {
            if (src.h() % pool.dst().h() != 0 || src.w() % pool.dst().w() != 0) {
                throw new IllegalArgumentException("onnx: an adaptive pool from " + src.shape() + " to " + pool.dst().shape()
                    + " has no counterpart");
            }
            int r = src.h() / pool.dst().h(), s = src.w() / pool.dst().w();
            return window(node("AveragePool", sources, dst), new Window(r, s, r, s, 0, 0, 1));
        }
        boolean max = pool.kind() == PoolKind.MAX;
        if (window.equals(Window.whole(src))) return node(max ? "GlobalMaxPool" : "GlobalAveragePool", sources, dst);
        int floor = (src.h() + 2 * window.padTop() - window.dilation() * (window.r() - 1) - 1) / window.strideH() + 1;
        var message = window(node(max ? "MaxPool" : "AveragePool", sources, dst), window)
            .message(5, attribute("ceil_mode", pool.dst().h() > floor ? 1 : 0));
        return max ? message : message.message(5, attribute("count_include_pad", pool.kind() == PoolKind.AVERAGE_WITH_PAD ? 1 : 0));
    }

    /** Option A: every stride-th pixel by a pool of one pixel, then zeros around the channels. */
    private void shortcut(Node.Shortcut shortcut, List<String> sources, String dst) {
        int before = (shortcut.dst().c() - shortcut.src().c()) / 2, after = shortcut.dst().c() - shortcut.src().c() - before;
        var pixel = new Window(1, 1, shortcut.stride(), shortcut.stride(), 0, 0, 1);
        nodes.message(1, window(node("MaxPool", sources, dst + "_pixels"), pixel));
        var pads = new Protobuf().varint(1, 8).varint(2, 7).string(8, dst + "_pads")
            .packed(7, LongStream.of(0, before, 0, 0, 0, after, 0, 0).toArray());
        heads.add(pads);
        weights.add(MemorySegment.NULL);
        nodes.message(1, node("Pad", List.of(dst + "_pixels", dst + "_pads"), dst));
    }

    private static Protobuf window(Protobuf node, Window w) {
        node.message(5, attribute("kernel_shape", w.r(), w.s())).message(5, attribute("strides", w.strideH(), w.strideW()))
            .message(5, attribute("pads", w.padTop(), w.padLeft(), w.padTop(), w.padLeft()));
        // in opset 17 an AveragePool knows no dilation
        return w.dilation() == 1 ? node : node.message(5, attribute("dilations", w.dilation(), w.dilation()));
    }

    /** The name of an initializer with the constant's values. */
    private String constant(Constant constant) {
        var parameter = (Constant.Parameter) constant;
        var dims = IntStream.range(0, parameter.shape().rank()).mapToLong(parameter.shape()::dim).toArray();
        var values = parameters.floats(parameter, arena);
        heads.add(new Protobuf().packed(1, dims).varint(2, FLOAT).string(8, parameter.key()).length(9, values.byteSize()));
        weights.add(values);
        return parameter.key();
    }

    private static Protobuf node(String type, List<String> inputs, String output) {
        var message = new Protobuf();
        inputs.forEach(input -> message.string(1, input));
        return message.string(2, output).string(4, type);
    }

    private static Protobuf attribute(String name, float value) {
        return new Protobuf().string(1, name).float32(2, value).varint(20, 1);
    }

    private static Protobuf attribute(String name, int value) {
        return new Protobuf().string(1, name).varint(3, value).varint(20, 2);
    }

    private static Protobuf attribute(String name, int... values) {
        return new Protobuf().string(1, name).packed(8, IntStream.of(values).asLongStream().toArray()).varint(20, 7);
    }

    private static Protobuf tensor(String name, Shape shape) {
        var dims = new Protobuf();
        for (int i = 0; i < shape.rank(); i++) dims.message(1, new Protobuf().varint(1, shape.dim(i)));
        return new Protobuf().string(1, name).message(2, new Protobuf().message(1, new Protobuf().varint(1, FLOAT).message(2, dims)));
    }
}
