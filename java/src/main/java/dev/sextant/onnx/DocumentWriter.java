// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import com.google.protobuf.CodedOutputStream;
import dev.sextant.graph.Constant;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Node;
import dev.sextant.graph.Node.PoolKind;
import dev.sextant.graph.Parameters;
import dev.sextant.graph.Value;
import dev.sextant.graph.Window;
import dev.sextant.io.WholeFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A traced graph, layer by layer and before any pass, as an ONNX file (onnx.proto3, operators of version 17). */
final class DocumentWriter {
    private static final int OPSET = 17, FLOAT = 1, INT64 = 7;

    private final Graph graph;
    private final Parameters parameters;
    private final Arena arena;
    private final List<byte[]> nodes = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final Set<String> stored = new HashSet<>(), names = new HashSet<>(List.of("input", "output"));
    private final Map<Value, String> values = new HashMap<>();

    /** What stands before a tensor's elements, and these; null where all is said. */
    private record Tensor(byte[] head, MemorySegment floats) {
        long bytes() {
            return head.length + (floats == null ? 0 : floats.byteSize());
        }
    }

    private interface Fields {
        void to(CodedOutputStream out) throws IOException;
    }

    private DocumentWriter(Graph graph, Parameters parameters, Arena arena) {
        this.graph = graph;
        this.parameters = parameters;
        this.arena = arena;
    }

    /** @param open whether the file takes any number of images, or those of {@code graph} */
    static void write(Graph graph, Parameters parameters, Map<String, String> metadata, boolean open, Path file) throws IOException {
        try (var arena = Arena.ofConfined()) {
            new DocumentWriter(graph, parameters, arena).write(metadata, open, file);
        }
    }

    private void write(Map<String, String> metadata, boolean open, Path file) throws IOException {
        values.put(graph.input(), "input");
        for (var node : graph.nodes()) add(node);
        node("Identity", List.of(values.get(graph.output())), "output");
        var around = bytes(out -> {
            out.writeString(2, "sextant");
            out.writeByteArray(11, info("input", graph.input(), open));
            out.writeByteArray(12, info("output", graph.output(), open));
        });
        long length = around.length;
        for (var node : nodes) length += 1 + CodedOutputStream.computeUInt32SizeNoTag(node.length) + node.length;
        for (var tensor : tensors) length += 1 + CodedOutputStream.computeUInt64SizeNoTag(tensor.bytes()) + tensor.bytes();
        if (length > Integer.MAX_VALUE - (1 << 20)) {
            throw new UnsupportedOperationException(file + ": an ONNX file holds less than 2 GiB, this model has " + length + " bytes");
        }
        int graphBytes = (int) length;
        var head = bytes(out -> {
            out.writeInt64(1, 8);
            out.writeString(2, "sextant");
            out.writeByteArray(8, bytes(opset -> opset.writeInt64(2, OPSET)));
            for (var note : metadata.entrySet()) {
                out.writeByteArray(14, bytes(entry -> {
                    entry.writeString(1, note.getKey());
                    entry.writeString(2, note.getValue());
                }));
            }
            out.writeTag(7, 2);
            out.writeUInt32NoTag(graphBytes);
        });
        WholeFile.write(file, out -> {
            out.write(ByteBuffer.wrap(head));
            for (var node : nodes) out.write(ByteBuffer.wrap(bytes(it -> it.writeByteArray(1, node))));
            out.write(ByteBuffer.wrap(around));
            for (var tensor : tensors) {
                out.write(ByteBuffer.wrap(bytes(it -> {
                    it.writeTag(5, 2);
                    it.writeUInt64NoTag(tensor.bytes());
                    it.writeRawBytes(tensor.head());
                })));
                if (tensor.floats() != null) out.writeFloats(tensor.floats());
            }
        });
    }

    // ------------------------------------------------------------------------------------------ nodes

    private void add(Node node) throws IOException {
        var sources = new ArrayList<String>();
        for (var source : node.sources()) {
            if (!values.containsKey(source)) {
                throw new IllegalArgumentException("onnx: " + node.name() + " reads " + source + ", which no node before it makes");
            }
            sources.add(values.get(source));
        }
        // What computes nothing is another name for what it reads.
        if (node instanceof Node.Identity) {
            values.put(node.dst(), sources.getFirst());
            return;
        }
        var dst = fresh(node.name().isEmpty() ? node.text() : node.name());
        values.put(node.dst(), dst);
        switch (node) {
            case Node.Conv conv -> node("Conv", with(sources, conv.weights(), conv.bias()), dst, window(conv.window()),
                out -> out.writeByteArray(5, attribute("group", conv.groups())));
            case Node.Linear linear -> {
                List<String> rows = sources;
                if (!linear.src().isFlat()) {
                    rows = List.of(fresh(dst + ".flat"));
                    node("Flatten", sources, rows.getFirst());
                }
                node("Gemm", with(rows, linear.weights(), linear.bias()), dst, out -> out.writeByteArray(5, attribute("transB", 1)));
            }
            case Node.Pool pool -> pool(pool, sources, dst);
            case Node.Lrn lrn -> node("LRN", sources, dst, out -> {
                out.writeByteArray(5, attribute("size", lrn.size()));
                out.writeByteArray(5, attribute("alpha", (float) (lrn.alpha() * lrn.size())));
                out.writeByteArray(5, attribute("beta", (float) lrn.beta()));
                out.writeByteArray(5, attribute("bias", (float) lrn.k()));
            });
            case Node.BatchNorm norm -> node("BatchNormalization", with(sources, norm.norm().parameters().toArray(Constant[]::new)), dst,
                out -> out.writeByteArray(5, attribute("epsilon", (float) norm.norm().eps())));
            case Node.Eltwise eltwise -> node(eltwise.other() != null ? "Add" : switch (eltwise.tail()) {
                case RELU -> "Relu";
                case TANH -> "Tanh";
                case SIGMOID -> "Sigmoid";
                case IDENTITY -> "Identity";
            }, sources, dst);
            case Node.Softmax softmax -> softmax(softmax, sources, dst);
            case Node.Concat concat -> node("Concat", sources, dst, out -> out.writeByteArray(5, attribute("axis", 1)));
            case Node.Flatten flatten when flatten.dst().isFlat() -> node("Flatten", sources, dst);
            case Node.Flatten flatten ->
                reshape(sources.getFirst(), dst, flatten.dst().c(), flatten.dst().h(), flatten.dst().w());
            case Node.Shortcut shortcut -> shortcut(shortcut, sources, dst);
            case Node.Identity _, Node.Reorder _, Node.TrainingNorm _, Node.Dropout _ ->
                throw new IllegalArgumentException("onnx: expects a graph of inference before its passes, found " + node.text());
        }
    }

    private void pool(Node.Pool pool, List<String> sources, String dst) throws IOException {
        var window = pool.window();
        Value src = pool.src(), to = pool.dst();
        boolean max = pool.kind() == PoolKind.MAX;
        if (window.equals(Window.whole(src)) && to.h() == 1 && to.w() == 1) {
            node(max ? "GlobalMaxPool" : "GlobalAveragePool", sources, dst);
            return;
        }
        if (pool.kind() == PoolKind.AVERAGE_ADAPTIVE) {
            throw new UnsupportedOperationException(pool.name() + ": an adaptive pool from " + src.shape() + " to " + to.shape()
                + " has no counterpart in ONNX, expected sizes that divide");
        }
        boolean ceil = to.h() > floor(src.h(), window.padTop() + window.padBottom(), window.r(), window.strideH(), window.dilation())
            || to.w() > floor(src.w(), window.padLeft() + window.padRight(), window.s(), window.strideW(), window.dilation());
        if (!max && window.dilation() != 1) {
            throw new UnsupportedOperationException(pool.name() + ": an average pool of dilation " + window.dilation()
                + " has no counterpart in ONNX's operators of version " + OPSET);
        }
        node(max ? "MaxPool" : "AveragePool", sources, dst, window(window), out -> {
            out.writeByteArray(5, attribute("ceil_mode", ceil ? 1 : 0));
            if (!max) out.writeByteArray(5, attribute("count_include_pad", pool.kind() == PoolKind.AVERAGE_WITH_PAD ? 1 : 0));
        });
    }

    private static int floor(int size, int pads, int taps, int stride, int dilation) {
        return (size + pads - dilation * (taps - 1) - 1) / stride + 1;
    }

    private void softmax(Node.Softmax softmax, List<String> sources, String dst) throws IOException {
        var operator = softmax.log() ? "LogSoftmax" : "Softmax";
        if (softmax.rows() == 1) {
            node(operator, sources, dst, out -> out.writeByteArray(5, attribute("axis", 1)));
            return;
        }
        var rows = fresh(dst + ".rows");
        var behind = fresh(dst + ".classes");
        reshape(sources.getFirst(), rows, softmax.rows(), softmax.src().c() / softmax.rows());
        node(operator, List.of(rows), behind, out -> out.writeByteArray(5, attribute("axis", 2)));
        if (softmax.dst().isFlat()) node("Flatten", List.of(behind), dst);
        else reshape(behind, dst, softmax.dst().c(), 1, 1);
    }

    /** Option A: every stride-th pixel by a pool of one pixel, then zeros around the channels. */
    private void shortcut(Node.Shortcut shortcut, List<String> sources, String dst) throws IOException {
        int before = (shortcut.dst().c() - shortcut.src().c()) / 2, after = shortcut.dst().c() - shortcut.src().c() - before;
        var pixels = fresh(dst + ".pixels");
        node("MaxPool", sources, pixels, window(new Window(1, 1, shortcut.stride(), shortcut.stride(), 0, 0, 1)));
        node("Pad", List.of(pixels, integers(dst + ".pads", 0, before, 0, 0, 0, after, 0, 0)), dst);
    }

    private void reshape(String source, String dst, long... dims) throws IOException {
        var shape = new long[dims.length + 1]; // the 0 in front: as many images as there are
        System.arraycopy(dims, 0, shape, 1, dims.length);
        node("Reshape", List.of(source, integers(dst + ".shape", shape)), dst);
    }

    private String fresh(String wanted) {
        var name = wanted;
        for (int i = 2; !names.add(name); i++) name = wanted + "_" + i;
        return name;
    }

    // ------------------------------------------------------------------------------------------ messages

    /** A node called like its output: no two of either have one name. */
    private void node(String operator, List<String> inputs, String output, Fields... attributes) throws IOException {
        nodes.add(bytes(out -> {
            for (var input : inputs) out.writeString(1, input);
            out.writeString(2, output);
            out.writeString(3, output);
            out.writeString(4, operator);
            for (var attribute : attributes) attribute.to(out);
        }));
    }

    private static Fields window(Window w) {
        return out -> {
            out.writeByteArray(5, attribute("kernel_shape", w.r(), w.s()));
            out.writeByteArray(5, attribute("strides", w.strideH(), w.strideW()));
            out.writeByteArray(5, attribute("pads", w.padTop(), w.padLeft(), w.padBottom(), w.padRight()));
            if (w.dilation() != 1) out.writeByteArray(5, attribute("dilations", w.dilation(), w.dilation()));
        };
    }

    private List<String> with(List<String> sources, Constant... constants) throws IOException {
        var inputs = new ArrayList<>(sources);
        for (var constant : constants) if (constant != null) inputs.add(initializer((Constant.Parameter) constant));
        return inputs;
    }

    /** The name of an initializer with the parameter's values: its key. */
    private String initializer(Constant.Parameter parameter) throws IOException {
        if (!stored.add(parameter.key())) return parameter.key();
        var values = parameters.floats(parameter, arena);
        tensors.add(new Tensor(bytes(out -> {
            for (int dim : parameter.shape().dims()) out.writeInt64(1, dim);
            out.writeInt32(2, FLOAT);
            out.writeString(8, parameter.key());
            out.writeTag(9, 2);
            out.writeUInt64NoTag(values.byteSize());
        }), values));
        return parameter.key();
    }

    private String integers(String wanted, long... numbers) throws IOException {
        var name = fresh(wanted);
        tensors.add(new Tensor(bytes(out -> {
            out.writeInt64(1, numbers.length);
            out.writeInt32(2, INT64);
            for (long number : numbers) out.writeInt64(7, number);
            out.writeString(8, name);
        }), null));
        return name;
    }

    private static byte[] attribute(String name, float value) throws IOException {
        return bytes(out -> {
            out.writeString(1, name);
            out.writeFloat(2, value);
            out.writeInt32(20, Document.Attribute.FLOAT);
        });
    }

    private static byte[] attribute(String name, int value) throws IOException {
        return bytes(out -> {
            out.writeString(1, name);
            out.writeInt64(3, value);
            out.writeInt32(20, Document.Attribute.INT);
        });
    }

    private static byte[] attribute(String name, int first, int... others) throws IOException {
        return bytes(out -> {
            out.writeString(1, name);
            out.writeInt64(8, first);
            for (int other : others) out.writeInt64(8, other);
            out.writeInt32(20, Document.Attribute.INTS);
        });
    }

    private static byte[] info(String name, Value value, boolean open) throws IOException {
        var shape = bytes(out -> {
            for (int i = 0; i < value.shape().rank(); i++) {
                int size = value.shape().dim(i);
                boolean any = open && i == 0;
                out.writeByteArray(1, bytes(dim -> {
                    if (any) dim.writeString(2, "N");
                    else dim.writeInt64(1, size);
                }));
            }
        });
        var tensor = bytes(out -> {
            out.writeInt32(1, FLOAT);
            out.writeByteArray(2, shape);
        });
        return bytes(out -> {
            out.writeString(1, name);
            out.writeByteArray(2, bytes(type -> type.writeByteArray(1, tensor)));
        });
    }

    private static byte[] bytes(Fields fields) throws IOException {
        var bytes = new ByteArrayOutputStream();
        var out = CodedOutputStream.newInstance(bytes);
        fields.to(out);
        out.flush();
        return bytes.toByteArray();
    }
}
