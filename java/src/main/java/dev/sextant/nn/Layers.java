// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import dev.sextant.Shape;
import dev.sextant.nn.Parameter.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;

/**
 * A description unrolled for one input shape: every layer in the order it runs, with path, shapes, parameters and flops. The
 * branches of {@link Add} and {@link Concat} come before the joining itself.
 *
 * @param input shape of one image, {@code c h w}
 * @param all every layer, heads of {@link Aux} included unless left out
 * @param stages output shapes of the outermost {@link Seq}'s named children by name, in order: the places where values
 *     can be tapped. Children inside an {@code as("")} child count as the outermost's own; auxiliary heads are no stages
 * @param output shape of the result for one image
 */
public record Layers(Shape input, List<Layer> all, SequencedMap<String, Shape> stages, Shape output) {

    public Layers {
        all = List.copyOf(all);
        stages = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(stages));
    }

    /**
     * What training runs: auxiliary heads included.
     *
     * @throws IllegalArgumentException naming the layer, what it expects and what it got where shapes do not fit, or a parameter
     *     key that two layers share
     */
    public static Layers of(Nn body, Shape input) {
        return new Walk(true).layers(body, input);
    }

    /** What inference runs: as {@link #of} without auxiliary heads, which may ask for larger images than the rest. */
    public static Layers inference(Nn body, Shape input) {
        return new Walk(false).layers(body, input);
    }

    /** All parameters in the order of their layers. */
    public List<Parameter> parameters() {
        return all.stream().flatMap(layer -> layer.parameters().stream()).toList();
    }

    /** How many values training adjusts. */
    public long trainable() {
        return all.stream().mapToLong(Layer::trainable).sum();
    }

    /** Of one image's inference, see {@link Layer#flops}; auxiliary heads do not count. */
    public long flops() {
        return all.stream().filter(layer -> !layer.auxiliary()).mapToLong(Layer::flops).sum();
    }

    /**
     * The path that a child's walk starts from: a {@link Named} child adds its own name, any other has its position for one.
     */
    public static String path(String parent, int position, Nn child) {
        return child instanceof Named ? parent : join(parent, Integer.toString(position));
    }

    /** {@code parent.name}, leaving out an empty part. */
    public static String join(String parent, String name) {
        return parent.isEmpty() ? name : name.isEmpty() ? parent : parent + "." + name;
    }

    /** The parameters of one leaf at {@code path}; joinings and leaves without weights have none. */
    public static List<Parameter> parameters(Nn leaf, Shape input, String path, boolean optional) {
        return switch (leaf) {
            case Conv c -> weightAndBias(path, optional, c.bias(), Shape.of(c.out(), input.dim(0) / c.groups(), c.r(), c.s()));
            case Linear l -> weightAndBias(path, optional, l.bias(), Shape.of(l.out(), Math.toIntExact(input.elements())));
            case BatchNorm _ -> List.of(Kind.GAMMA, Kind.BETA, Kind.MEAN, Kind.VARIANCE).stream()
                .map(kind -> parameter(path, Shape.of(input.dim(0)), kind, optional)).toList();
            default -> List.of();
        };
    }

    private static List<Parameter> weightAndBias(String path, boolean optional, boolean bias, Shape weight) {
        var w = parameter(path, weight, Kind.WEIGHT, optional);
        return bias ? List.of(w, parameter(path, Shape.of(weight.dim(0)), Kind.BIAS, optional)) : List.of(w);
    }

    private static Parameter parameter(String path, Shape shape, Kind kind, boolean optional) {
        return new Parameter(join(path, kind.suffix()), shape, kind, optional);
    }

    private static long flops(Nn leaf, Shape output, List<Parameter> parameters) {
        return switch (leaf) {
            case Conv c -> 2 * parameters.getFirst().shape().elements() * output.dim(1) * output.dim(2);
            case Linear l -> 2 * parameters.getFirst().shape().elements();
            default -> 0;
        };
    }

    /** The recursion, with what it collects on the way. */
    private static final class Walk {
        private final boolean heads;
        private final List<Layer> all = new ArrayList<>();
        private final SequencedMap<String, Shape> stages = new LinkedHashMap<>();
        private final Set<String> keys = new HashSet<>();

        Walk(boolean heads) {
            this.heads = heads;
        }

        Layers layers(Nn body, Shape input) {
            var output = visit(body, input, "", false, true);
            return new Layers(input, all, stages, output);
        }

        /** @param outermost whether children of {@code nn} would be stages */
        private Shape visit(Nn nn, Shape in, String path, boolean auxiliary, boolean outermost) {
            switch (nn) {
                case Named named -> {
                    return visit(named.body(), in, join(path, named.name()), auxiliary, outermost);
                }
                case Seq seq -> {
                    var shape = in;
                    for (int i = 0; i < seq.children().size(); i++) {
                        var child = seq.children().get(i);
                        boolean transparent = outermost && child instanceof Named named && named.name().isEmpty();
                        shape = visit(child, shape, path(path, i, child), auxiliary, transparent);
                        if (outermost && !transparent && child instanceof Named named && !(named.body() instanceof Aux)) {
                            stages.put(join(path, named.name()), shape);
                        }
                    }
                    return shape;
                }
                case Concat concat -> {
                    var output = Shapes.concat(branches(concat.branches(), in, path, auxiliary), path);
                    return joined(concat, in, output, path, auxiliary);
                }
                case Add add -> {
                    var output = Shapes.add(branches(add.branches(), in, path, auxiliary), path);
                    return joined(add, in, output, path, auxiliary);
                }
                case Wired wired -> {
                    var shapes = new ArrayList<Shape>();
                    shapes.add(in);
                    for (var part : wired.parts()) {
                        var sources = part.sources().stream().map(shapes::get).toList();
                        var name = join(path, part.name());
                        var output = switch (part.nn()) {
                            case Concat concat -> joined(concat, sources.getFirst(), Shapes.concat(sources, name), name, auxiliary);
                            case Add add -> joined(add, sources.getFirst(), Shapes.add(sources, name), name, auxiliary);
                            default -> visit(part.nn(), sources.getFirst(), name, auxiliary, false);
                        };
                        if (outermost) stages.put(name, output);
                        shapes.add(output);
                    }
                    return shapes.get(wired.result());
                }
                case Aux aux -> {
                    if (heads) visit(aux.head(), in, path, true, false);
                    return in;
                }
                default -> {
                    var output = Shapes.output(nn, in, path);
                    var parameters = parameters(nn, in, path, auxiliary);
                    for (var parameter : parameters) {
                        var key = parameter.key();
                        Checks.require(keys.add(key), "%s: expects a name of its own, another layer has it already", key);
                    }
                    all.add(new Layer(path, nn, in, output, parameters, flops(nn, output, parameters), auxiliary));
                    return output;
                }
            }
        }

        private List<Shape> branches(List<Nn> branches, Shape in, String path, boolean auxiliary) {
            var shapes = new ArrayList<Shape>();
            for (int i = 0; i < branches.size(); i++) {
                shapes.add(visit(branches.get(i), in, path(path, i, branches.get(i)), auxiliary, false));
            }
            return shapes;
        }

        private Shape joined(Nn joining, Shape in, Shape out, String path, boolean auxiliary) {
            all.add(new Layer(path, joining, in, out, List.of(), 0, auxiliary));
            return out;
        }
    }
}
