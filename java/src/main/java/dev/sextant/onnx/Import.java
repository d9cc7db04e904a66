// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.io.FormatException;
import dev.sextant.nn.Activation.Function;
import dev.sextant.nn.Pool;
import dev.sextant.nn.Softmax;
import dev.sextant.nn.Wired;
import dev.sextant.onnx.Document.Info;
import dev.sextant.onnx.Document.Node;
import dev.sextant.onnx.Document.Stored;
import dev.sextant.onnx.Operand.Feature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** From what a file says to a network: node after node, each made of our layers or refused by name. */
final class Import {
    private static final long OLDEST = 6, NEWEST = 25;

    private final Document document;
    private final StoredNumbers stored;
    private final Onnx.Options options;
    private final Map<String, Stored> initializers = new HashMap<>();
    private final Map<String, Integer> uses = new HashMap<>();
    private final Set<String> defined = new HashSet<>();
    /** How many names each of the network's values goes by. */
    private final Map<Integer, Integer> names = new HashMap<>();
    private final List<Node> needed;
    private final Info input;
    private final String output;

    /** @param input shape of one image */
    record Result(Wired network, Shape input, Map<String, Numbers> weights) {}

    private Import(Document document, StoredNumbers stored, Onnx.Options options) throws IOException {
        this.document = document;
        this.stored = stored;
        this.options = options;
        if (document.opset() < OLDEST || document.opset() > NEWEST) {
            throw new UnsupportedOperationException(document.source()
                + ": expected operators of version 7 to 22 (6 to 25 as far as they are alike),"
                + " found " + document.opset());
        }
        var graph = document.graph();
        for (var initializer : graph.initializers()) {
            if (initializers.put(initializer.name(), initializer) != null) {
                throw malformed("expected a name of its own for each initializer, found '" + initializer.name() + "' twice");
            }
        }
        if (graph.outputs().isEmpty()) throw malformed("expected an output, found none");
        output = options.output() == null ? graph.outputs().getFirst().name() : options.output();
        needed = needed();
        var open = graph.inputs().stream().filter(info -> !initializers.containsKey(info.name())
            && !options.constants().containsKey(info.name()) && uses.containsKey(info.name())).toList();
        if (open.size() != 1) {
            throw new UnsupportedOperationException(document.source() + ": expected one input"
                + (open.isEmpty() ? ", found none that its output depends on"
                : " (and constants for any other), found " + open.stream().map(Info::name).collect(Collectors.joining(", "))));
        }
        input = open.getFirst();
    }

    static Result of(Document document, StoredNumbers stored, Onnx.Options options) throws IOException {
        var self = new Import(document, stored, options);
        var dims = self.dims();
        boolean isFixed = dims.isEmpty() || dims.getFirst() > 0;
        if (dims.size() < 2 && isFixed) return self.run(dims, 0);
        try {
            return self.run(dims, 1);
        } catch (Call.MixedImages e) {
            if (!isFixed) throw new UnsupportedOperationException(e.getMessage() + ", expected each image to be dealt with by itself");
            try {
                return self.run(dims, 0);
            } catch (UnsupportedOperationException f) {
                throw new UnsupportedOperationException(f.getMessage() + " (in a file that mixes images: " + e.getMessage() + ")", f);
            }
        }
    }

    /** The input's dimensions; the first may be -1, for any number of images. */
    private List<Integer> dims() throws IOException {
        switch (input.type()) {
            case Stored.FLOAT, Stored.DOUBLE, Stored.FLOAT16, Stored.BFLOAT16 -> { }
            default -> throw new UnsupportedOperationException(document.source() + ": expected real numbers as input '" + input.name()
                + "', found ONNX's type " + input.type());
        }
        var stated = input.dims();
        if (options.input() != null) {
            int rank = options.input().rank();
            stated = new long[rank + 1];
            stated[0] = input.dims() != null && input.dims().length == rank + 1 ? input.dims()[0] : -1;
            for (int i = 0; i < rank; i++) stated[i + 1] = options.input().dim(i);
        }
        if (stated == null) throw malformed("expected the shape of input '" + input.name() + "', found none: give one");
        var dims = new ArrayList<Integer>();
        for (int i = 0; i < stated.length; i++) {
            if (i == 0 && stated[0] == -1) dims.add(-1);
            else if (stated[i] < 1 || stated[i] > Integer.MAX_VALUE) {
                throw new UnsupportedOperationException(document.source() + ": expected input '" + input.name()
                    + "' of a fixed size but for the number of"
                    + " images, found " + Arrays.toString(stated).replace("-1", "?") + ": give the shape of one image");
            } else dims.add((int) stated[i]);
        }
        return dims;
    }

    /** The nodes that the output depends on; counts on the way who reads what. */
    private List<Node> needed() throws IOException {
        var names = new HashSet<String>(Set.of(output));
        uses.merge(output, 1, Integer::sum);
        var nodes = new ArrayList<Node>();
        for (var node : document.graph().nodes().reversed()) {
            if (node.outputs().stream().noneMatch(name -> !name.isEmpty() && names.contains(name))) continue;
            nodes.add(node);
            for (var name : node.inputs()) {
                if (name.isEmpty()) continue;
                names.add(name);
                uses.merge(name, 1, Integer::sum);
            }
        }
        return nodes.reversed();
    }

    // ------------------------------------------------------------------------------------------ one run over the nodes

    private Result run(List<Integer> stated, int lead) throws IOException {
        var dims = stated.subList(lead, stated.size());
        boolean isLast = dims.size() == 3 && lead == 1 && readsChannelsLast();
        Shape shape;
        Order order = null;
        try {
            shape = isLast ? Shape.of(dims.get(2), dims.get(0), dims.get(1)) : Windows.planes(dims);
            if (shape.elements() > Integer.MAX_VALUE) throw new ArithmeticException("more than 2^31 - 1 elements");
            if (isLast) order = Order.of(shape, List.of(1, 2, 0));
        } catch (ArithmeticException e) {
            throw new FormatException(document.source() + ": expected a smaller input '" + input.name() + "', found " + dims, e);
        }
        var wiring = new Wiring(shape);
        var naming = new Naming();
        var values = new HashMap<String, Operand>();
        defined.clear();
        names.clear();
        put(values, input.name(), new Feature(0, shape, dims, order));
        for (var constant : options.constants().entrySet()) values.put(constant.getKey(), Numbers.of(constant.getValue()));
        for (var node : needed) {
            var where = document.source() + ": node '" + (node.name().isEmpty() ? node.outputs().getFirst() : node.name()) + "' ("
                + node.operator() + ")";
            var operand = operand(node, where, wiring, naming, values, lead, stated.isEmpty() || lead == 0 ? 1 : stated.getFirst());
            if (operand instanceof Feature feature && feature.elements() > Integer.MAX_VALUE) {
                throw new FormatException(where + ": expected fewer than 2^31 elements, found " + feature.shape());
            }
            var name = node.outputs().getFirst();
            if (!defined.add(name)) {
                throw new FormatException(where + ": expected a name of its own for its output, found '" + name + "' twice");
            }
            put(values, name, operand);
        }
        return switch (value(output, values)) {
            case Feature feature -> result(wiring, feature, shape);
            case Numbers _ -> throw new UnsupportedOperationException(document.source() + ": expected output '" + output
                + "' to depend on the input, found a constant");
            case null -> throw malformed("expected output '" + output + "', found no node that makes it");
        };
    }

    private Result result(Wiring wiring, Feature feature, Shape shape) {
        var network = wiring.network(wiring.plain(feature));
        if (options.logits() && network.result() > 0 && network.parts().get(network.result() - 1).nn() instanceof Softmax) {
            var last = network.parts().get(network.result() - 1);
            network = new Wired(network.parts().subList(0, network.result() - 1), last.sources().getFirst());
        }
        return new Result(network, shape, wiring.weights(network, shape));
    }

    /** Whether whoever reads the input brings its channels to the front first: then it is taken as {@code n c h w} from the start. */
    private boolean readsChannelsLast() {
        var readers = needed.stream().filter(node -> node.inputs().contains(input.name())).toList();
        return !readers.isEmpty() && !output.equals(input.name()) && readers.stream().allMatch(node -> node.operator().equals("Transpose")
            && node.attributes().stream().anyMatch(a -> a.name().equals("perm") && Arrays.equals(a.integers(), new long[] {0, 3, 1, 2})));
    }

    private Operand value(String name, Map<String, Operand> values) throws IOException {
        var known = values.get(name);
        if (known != null || !initializers.containsKey(name)) return known;
        var numbers = stored.of(initializers.get(name));
        values.put(name, numbers);
        return numbers;
    }

    private Operand operand(Node node, String where, Wiring wiring, Naming naming, Map<String, Operand> values, int lead, int images)
            throws IOException {
        if (!node.domain().isEmpty() && !node.domain().equals("ai.onnx")) {
            throw new UnsupportedOperationException(where + ": operators of the domain '" + node.domain() + "' are not supported");
        }
        var inputs = new ArrayList<Operand>();
        boolean alone = true;
        for (var name : node.inputs()) {
            var operand = name.isEmpty() ? null : value(name, values);
            if (operand == null && !name.isEmpty()) {
                throw new FormatException(where + ": expected input '" + name + "' to be known by then, found nothing of that name");
            }
            inputs.add(operand);
            if (operand instanceof Feature feature) alone &= uses.get(name) == 1 && names.get(feature.number()) == 1;
        }
        for (int i = 1; i < node.outputs().size(); i++) {
            var name = node.outputs().get(i);
            if (!name.isEmpty() && uses.containsKey(name)) {
                throw new UnsupportedOperationException(where + ": expected its first output alone to be used, found '" + name + "' too");
            }
        }
        var attributes = new Attributes(where, node);
        var call = new Call(where, node, document.opset(), inputs, attributes, lead, images, alone);
        try {
            var made = apply(call, wiring, naming);
            if (alone && made instanceof Feature feature && feature.number() > 0) forget(node, feature, values);
            return made;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new FormatException(where + ": " + e.getMessage(), e);
        }
    }

    private void put(Map<String, Operand> values, String name, Operand operand) {
        values.put(name, operand);
        if (operand instanceof Feature feature) names.merge(feature.number(), 1, Integer::sum);
    }

    /** What only this node read and it changed in place is no longer there under its old name. */
    private void forget(Node node, Feature made, Map<String, Operand> values) {
        for (var name : node.inputs()) {
            if (!(values.get(name) instanceof Feature feature) || feature.number() != made.number()) continue;
            values.remove(name);
            names.merge(feature.number(), -1, Integer::sum);
        }
    }

    private Operand apply(Call call, Wiring wiring, Naming naming) throws IOException {
        var windows = new Windows(wiring, naming);
        var layouts = new Layouts(wiring);
        var arithmetic = new Arithmetic(wiring, naming);
        var operator = call.node().operator();
        if (call.inputs().isEmpty() && !operator.equals("Constant")) throw call.malformed("expected inputs, found none");
        return switch (operator) {
            case "Conv" -> windows.conv(call);
            case "MaxPool" -> windows.pool(call, Pool.Kind.MAX);
            case "AveragePool" -> windows.pool(call, Pool.Kind.AVG);
            case "GlobalMaxPool" -> windows.global(call, Pool.Kind.MAX);
            case "GlobalAveragePool" -> windows.global(call, Pool.Kind.AVG);
            case "Relu" -> arithmetic.activation(call, Function.RELU);
            case "Tanh" -> arithmetic.activation(call, Function.TANH);
            case "Sigmoid" -> arithmetic.activation(call, Function.SIGMOID);
            case "Clip" -> arithmetic.clip(call);
            case "Softmax" -> arithmetic.softmax(call, false);
            case "LogSoftmax" -> arithmetic.softmax(call, true);
            case "BatchNormalization" -> arithmetic.batchNorm(call);
            case "LRN" -> arithmetic.lrn(call);
            case "Dropout" -> arithmetic.dropout(call);
            case "Add", "Sum" -> arithmetic.add(call);
            case "Mul" -> arithmetic.mul(call);
            case "Gemm" -> new Matrices(wiring, naming, arithmetic).gemm(call);
            case "MatMul" -> new Matrices(wiring, naming, arithmetic).matmul(call);
            case "Reshape" -> layouts.reshape(call);
            case "Flatten" -> layouts.flatten(call);
            case "Squeeze" -> layouts.squeeze(call);
            case "Unsqueeze" -> layouts.unsqueeze(call);
            case "Transpose" -> layouts.transpose(call);
            case "Pad" -> layouts.pad(call);
            case "Concat" -> layouts.concat(call);
            case "Identity" -> {
                call.attributes().requireNoOther();
                if (!call.has(0)) throw call.malformed("expected an input, found none");
                yield call.inputs().getFirst();
            }
            case "Constant" -> constant(call);
            case "ConstantOfShape" -> constantOfShape(call);
            case "Shape" -> Constants.shape(call);
            case "Gather" -> Constants.gather(call);
            case "Slice" -> Constants.slice(call);
            case "Cast" -> Constants.cast(call);
            case "Sub" -> Constants.binary(call, false);
            case "Div" -> Constants.binary(call, true);
            default -> throw call.unsupported("operator " + operator + " is not supported");
        };
    }

    private Operand constant(Call call) throws IOException {
        var attributes = call.attributes();
        Numbers numbers = null;
        if (attributes.has("value")) {
            numbers = stored.of(attributes.tensor("value"));
        } else if (attributes.has("value_float")) {
            numbers = Numbers.of(Shape.of(), new float[] {attributes.real("value_float", 0)});
        } else if (attributes.has("value_floats")) {
            var reals = attributes.reals("value_floats");
            numbers = Numbers.of(Shape.of(reals.length), reals);
        } else if (attributes.has("value_int")) {
            numbers = Numbers.of(Shape.of(), attributes.integer("value_int", 0));
        } else if (attributes.has("value_ints")) {
            var integers = attributes.integers("value_ints");
            numbers = Numbers.of(Shape.of(integers.length), integers);
        }
        attributes.requireNoOther();
        if (numbers == null) throw call.malformed("expected attribute 'value', found none");
        return numbers;
    }

    private Operand constantOfShape(Call call) throws IOException {
        var dims = new ArrayList<Integer>();
        for (int dim : call.small("a shape", call.integers(0, "the shape"), 0, Integer.MAX_VALUE)) dims.add(dim);
        var filling = call.attributes().tensor("value");
        call.attributes().requireNoOther();
        var value = filling == null ? null : stored.of(filling);
        if (value != null && value.elements() != 1) {
            throw call.malformed("expected one number as attribute 'value', found " + value.shape());
        }
        return Numbers.filled(new Shape(dims), value == null ? 0 : value.toArray()[0]);
    }

    private FormatException malformed(String what) {
        return new FormatException(document.source() + ": " + what);
    }
}
