// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;
import dev.sextant.graph.Constant.Norm;
import dev.sextant.graph.Constant.Parameter;
import dev.sextant.graph.Node.PoolKind;
import dev.sextant.nn.Activation;
import dev.sextant.nn.AdaptiveAvgPool;
import dev.sextant.nn.Add;
import dev.sextant.nn.Aux;
import dev.sextant.nn.BatchNorm;
import dev.sextant.nn.Concat;
import dev.sextant.nn.Conv;
import dev.sextant.nn.Dropout;
import dev.sextant.nn.Flatten;
import dev.sextant.nn.GlobalPool;
import dev.sextant.nn.Identity;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Linear;
import dev.sextant.nn.Lrn;
import dev.sextant.nn.Named;
import dev.sextant.nn.Nn;
import dev.sextant.nn.Pool;
import dev.sextant.nn.Reshape;
import dev.sextant.nn.Seq;
import dev.sextant.nn.Shapes;
import dev.sextant.nn.Shortcut;
import dev.sextant.nn.Softmax;
import dev.sextant.nn.Wired;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * Walks a description once with the shape of the input in hand, as inference runs it or as training does, and writes down the
 * nodes it meets.
 */
final class Trace {
    private static final Function PLAIN = Function.IDENTITY;

    private final List<Node> nodes = new ArrayList<>();
    private final LinkedHashMap<String, Value> stages = new LinkedHashMap<>();
    /** The weight of each auxiliary head's loss, by the head's path, which is also the tap of its result. */
    private final LinkedHashMap<String, Double> heads = new LinkedHashMap<>();
    private final LinkedHashMap<String, Value> logits = new LinkedHashMap<>();
    private final int images;
    private final boolean isTraining;
    private int values, dropouts;

    private Trace(int images, boolean isTraining) {
        this.images = images;
        this.isTraining = isTraining;
    }

    static Graph graph(Nn network, Shape shape) {
        var trace = new Trace(images(shape), false);
        var input = trace.value(shape.dropFirst());
        var output = trace.visit(network, input, "", true);
        return new Graph(input, trace.nodes, output, trace.stages, Storage.UNDECIDED);
    }

    static TrainingGraph.Description training(Nn network, Shape shape) {
        var trace = new Trace(images(shape), true);
        var input = trace.value(shape.dropFirst());
        var output = trace.visit(network, input, "", true);
        return new TrainingGraph.Description(new Graph(input, trace.nodes, output, trace.logits, Storage.UNDECIDED), trace.heads);
    }

    private static int images(Shape shape) {
        if (shape.rank() == 4 && shape.elements() > 0) return shape.dim(0);
        throw new IllegalArgumentException("graph: expects an input n c h w of at least one element, found " + shape);
    }

    private Value value(Shape image) {
        return new Value(values++, image.prepend(images));
    }

    /**
     * @param outermost whether named children of {@code nn} are stages; {@link Layers} has the same rules for stages and paths
     */
    private Value visit(Nn nn, Value src, String path, boolean outermost) {
        switch (nn) {
            case Named named -> {
                return visit(named.body(), src, Layers.join(path, named.name()), outermost);
            }
            case Seq seq -> {
                var at = src;
                for (int i = 0; i < seq.children().size(); i++) {
                    var child = seq.children().get(i);
                    var name = child instanceof Named named ? named.name() : null;
                    at = visit(child, at, Layers.path(path, i, child), outermost && name != null && name.isEmpty());
                    boolean stage = outermost && name != null && !name.isEmpty() && !(((Named) child).body() instanceof Aux);
                    if (stage) stages.put(Layers.join(path, name), at);
                }
                return at;
            }
            case Aux aux -> {
                if (isTraining) {
                    heads.put(path, aux.lossWeight());
                    logits.put(path, visit(aux.head(), src, path, false));
                }
                return src;
            }
            case Add add -> {
                return sum(path, branches(add.branches(), src, path));
            }
            case Concat concat -> {
                return joined(path, branches(concat.branches(), src, path));
            }
            case Wired wired -> {
                var results = new ArrayList<Value>();
                results.add(src);
                for (var part : wired.parts()) {
                    var sources = part.sources().stream().map(results::get).toList();
                    var name = Layers.join(path, part.name());
                    var result = switch (part.nn()) {
                        case Add _ -> sum(name, sources);
                        case Concat _ -> joined(name, sources);
                        default -> visit(part.nn(), sources.getFirst(), name, false);
                    };
                    if (outermost) stages.put(name, result);
                    results.add(result);
                }
                return results.get(wired.result());
            }
            default -> {
                var dst = value(Shapes.output(nn, src.shape().dropFirst(), path));
                nodes.add(node(nn, src, dst, path));
                return dst;
            }
        }
    }

    private List<Value> branches(List<Nn> branches, Value src, String path) {
        var results = new ArrayList<Value>();
        for (int i = 0; i < branches.size(); i++) {
            results.add(visit(branches.get(i), src, Layers.path(path, i, branches.get(i)), false));
        }
        return results;
    }

    private Value sum(String path, List<Value> terms) {
        var image = Shapes.add(images(terms), path);
        var sum = terms.getFirst();
        for (var term : terms.subList(1, terms.size())) {
            var dst = value(image);
            nodes.add(new Node.Eltwise(path, sum, term, dst, PLAIN));
            sum = dst;
        }
        return sum;
    }

    private Value joined(String path, List<Value> parts) {
        var image = Shapes.concat(images(parts), path);
        if (parts.size() == 1) return parts.getFirst();
        var dst = value(image);
        nodes.add(new Node.Concat(path, parts, dst));
        return dst;
    }

    private static List<Shape> images(List<Value> values) {
        return values.stream().map(value -> value.shape().dropFirst()).toList();
    }

    private Node node(Nn leaf, Value src, Value dst, String path) {
        var parameters = Layers.parameters(leaf, src.shape().dropFirst(), path, false).stream()
            .map(parameter -> new Parameter(parameter.key(), parameter.shape())).toList();
        return switch (leaf) {
            case Conv conv -> new Node.Conv(path, src, null, dst,
                new Window(conv.r(), conv.s(), conv.strideH(), conv.strideW(), conv.padTop(), conv.padLeft(), conv.padBottom(),
                    conv.padRight(), conv.dilation()),
                conv.groups(), null, parameters.getFirst(), conv.bias() ? parameters.getLast() : null, PLAIN);
            case Linear linear ->
                new Node.Linear(path, src, dst, parameters.getFirst(), linear.bias() ? parameters.getLast() : null, PLAIN);
            case BatchNorm norm -> {
                var numbers = new Norm(parameters.get(0), parameters.get(1), parameters.get(2), parameters.get(3), norm.eps());
                yield isTraining
                    ? new Node.TrainingNorm(path, src, null, new Value(values++, Shape.of(1, 2 * src.c())), dst, numbers, norm.momentum(), PLAIN)
                    : new Node.BatchNorm(path, src, dst, numbers, PLAIN);
            }
            case Activation activation -> new Node.Eltwise(path, src, null, dst, Function.of(activation.function()));
            case Pool pool -> new Node.Pool(path, src, dst,
                pool.kind() == Pool.Kind.MAX ? PoolKind.MAX : pool.countPad() ? PoolKind.AVERAGE_WITH_PAD : PoolKind.AVERAGE,
                new Window(pool.r(), pool.s(), pool.strideH(), pool.strideW(), pool.padTop(), pool.padLeft(), pool.padBottom(),
                    pool.padRight(), pool.dilation()), null);
            case GlobalPool pool ->
                new Node.Pool(path, src, dst, pool.kind() == Pool.Kind.MAX ? PoolKind.MAX : PoolKind.AVERAGE, Window.whole(src),
                    null);
            case AdaptiveAvgPool _ -> adaptive(path, src, dst);
            case Lrn lrn -> new Node.Lrn(path, src, dst, lrn.size(), lrn.alpha(), lrn.beta(), lrn.k());
            case Softmax softmax -> new Node.Softmax(path, src, dst, softmax.log(), softmax.rows());
            case Flatten _, Reshape _ -> src.shape().equals(dst.shape()) ? new Node.Identity(path, src, dst) : new Node.Flatten(path, src, dst);
            case Shortcut shortcut -> new Node.Shortcut(path, src, dst, shortcut.stride());
            case Dropout dropout when isTraining && dropout.rate() > 0 -> new Node.Dropout(path, src, dst, dropout.rate(), dropouts++);
            case Dropout _, Identity _ -> new Node.Identity(path, src, dst);
            case Named _, Seq _, Add _, Concat _, Aux _, Wired _ -> throw new IllegalStateException("trace: " + leaf + " is not a leaf");
        };
    }

    /** Adaptive pooling is plain pooling where the sizes divide, and nothing where they are equal. */
    private static Node adaptive(String path, Value src, Value dst) {
        if (src.shape().equals(dst.shape())) return new Node.Identity(path, src, dst);
        if (src.h() % dst.h() != 0 || src.w() % dst.w() != 0) {
            return new Node.Pool(path, src, dst, PoolKind.AVERAGE_ADAPTIVE, Window.whole(src), null);
        }
        int r = src.h() / dst.h(), s = src.w() / dst.w();
        return new Node.Pool(path, src, dst, PoolKind.AVERAGE, new Window(r, s, r, s, 0, 0, 1), null);
    }
}
