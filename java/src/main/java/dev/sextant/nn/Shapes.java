// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import dev.sextant.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Shape inference: what each part makes of one image's shape, {@code c h w} or flat {@code f}. An input that does not fit is an
 * {@link IllegalArgumentException} naming the layer's path, what it expects and what it got:
 * {@code features.3: conv 3x3 expects at least 3x3 pixels, input 64x2x2 is too small}.
 */
public final class Shapes {
    private Shapes() {}

    /** The output shape of {@code nn} on {@code input}; {@code path} is only named in errors, and may be empty. */
    public static Shape output(Nn nn, Shape input, String path) {
        return switch (nn) {
            case Conv conv -> conv(conv, planes(conv, input, path), path);
            case Pool pool -> pool(pool, planes(pool, input, path), path);
            case GlobalPool pool -> Shape.of(planes(pool, input, path).dim(0), 1, 1);
            case AdaptiveAvgPool pool -> Shape.of(planes(pool, input, path).dim(0), pool.p(), pool.q());
            case Linear linear -> {
                features(input, path);
                yield Shape.of(linear.out());
            }
            case Flatten _ -> Shape.of(features(input, path));
            case Reshape to -> {
                if (features(input, path) != (long) to.c() * to.h() * to.w()) {
                    throw error(path, "reshape to %dx%dx%d expects as many values, input is %s", to.c(), to.h(), to.w(), input);
                }
                yield Shape.of(to.c(), to.h(), to.w());
            }
            case Softmax softmax -> {
                if (features(input, path) != input.dim(0) || input.dim(0) % softmax.rows() != 0) {
                    throw error(path, "%s expects one value a class, input is %s", type(softmax), input);
                }
                yield input;
            }
            case BatchNorm norm -> planesOrFlat(norm, input, path);
            case Lrn lrn -> planes(lrn, input, path);
            case Activation _, Dropout _, Identity _, Aux _ -> input;
            case Shortcut shortcut -> shortcut(shortcut, planes(shortcut, input, path), path);
            case Named named -> output(named.body(), input, Layers.join(path, named.name()));
            case Seq seq -> {
                var shape = input;
                for (int i = 0; i < seq.children().size(); i++) shape = child(seq.children(), i, shape, path);
                yield shape;
            }
            case Concat concat -> concat(branches(concat.branches(), input, path), path);
            case Add add -> add(branches(add.branches(), input, path), path);
            case Wired wired -> {
                var shapes = new ArrayList<Shape>();
                shapes.add(input);
                for (var part : wired.parts()) shapes.add(part(part, shapes, Layers.join(path, part.name())));
                yield shapes.get(wired.result());
            }
        };
    }

    /** What {@code part} makes of those of {@code shapes} that its sources stand for. */
    private static Shape part(Wired.Part part, List<Shape> shapes, String path) {
        var sources = part.sources().stream().map(shapes::get).toList();
        return switch (part.nn()) {
            case Add _ -> add(sources, path);
            case Concat _ -> concat(sources, path);
            default -> output(part.nn(), sources.getFirst(), path);
        };
    }

    /** The shape of branches of these shapes joined along the channels. */
    public static Shape concat(List<Shape> branches, String path) {
        var first = branches.getFirst();
        long channels = 0;
        for (var branch : branches) {
            if (branch.rank() != first.rank() || !branch.dropFirst().equals(first.dropFirst())) {
                throw error(path, "concat expects branches of one height and width, found %s", list(branches));
            }
            channels += branch.dim(0);
        }
        var dims = new ArrayList<>(first.dims());
        dims.set(0, size(channels, path, "concat", first));
        return new Shape(dims);
    }

    /** The shape of the sum of branches of these shapes. */
    public static Shape add(List<Shape> branches, String path) {
        if (branches.stream().distinct().count() != 1) {
            throw error(path, "add expects branches of one shape, found %s", list(branches));
        }
        return branches.getFirst();
    }

    /** The kind of a part in lower case, as errors and tables name it: {@code conv}, {@code batch norm}, {@code max pool}. */
    public static String type(Nn nn) {
        return switch (nn) {
            case BatchNorm _ -> "batch norm";
            case Pool pool -> pool.kind() == Pool.Kind.MAX ? "max pool" : "average pool";
            case GlobalPool pool -> pool.kind() == Pool.Kind.MAX ? "global max pool" : "global average pool";
            case AdaptiveAvgPool _ -> "adaptive average pool";
            case Activation activation -> activation.function().name().toLowerCase(Locale.ROOT);
            case Softmax softmax -> softmax.log() ? "log-softmax" : "softmax";
            default -> nn.getClass().getSimpleName().toLowerCase(Locale.ROOT);
        };
    }

    private static Shape child(List<Nn> children, int i, Shape input, String path) {
        return output(children.get(i), input, Layers.path(path, i, children.get(i)));
    }

    private static List<Shape> branches(List<Nn> branches, Shape input, String path) {
        var shapes = new ArrayList<Shape>();
        for (int i = 0; i < branches.size(); i++) shapes.add(child(branches, i, input, path));
        return shapes;
    }

    private static Shape conv(Conv c, Shape in, String path) {
        if (in.dim(0) % c.groups() != 0) {
            throw error(path, "conv with %d groups expects channels that they divide, input is %s", c.groups(), in);
        }
        var window = new Window(c.r(), c.s(), c.strideH(), c.strideW(), c.padTop(), c.padLeft(), c.padBottom(),
            c.padRight(), c.dilation(), false);
        return windows(window, c, in, c.out(), path);
    }

    private static Shape pool(Pool p, Shape in, String path) {
        var window = new Window(p.r(), p.s(), p.strideH(), p.strideW(), p.padTop(), p.padLeft(), p.padBottom(),
            p.padRight(), p.dilation(), p.ceil());
        return windows(window, p, in, in.dim(0), path);
    }

    /** What convolutions and poolings have in common. */
    private record Window(int r, int s, int strideH, int strideW, int padTop, int padLeft, int padBottom, int padRight, int dilation,
            boolean ceil) {
        /** Pixels between the outermost taps of a window, both included. */
        long reach(int taps) {
            return dilation * (taps - 1L) + 1;
        }

        /** How many windows fit along one dimension; below 1 if none. */
        long count(long size, int taps, int stride, int before, int after) {
            long room = size + before + after - reach(taps);
            if (room < 0) return 0;
            long count = Math.floorDiv(room + (ceil ? stride - 1 : 0), stride) + 1;
            boolean beyond = ceil && (count - 1) * stride >= size + before; // a window begins on the input or its upper padding
            return beyond ? count - 1 : count;
        }
    }

    private static Shape windows(Window w, Nn nn, Shape in, int channels, String path) {
        long p = w.count(in.dim(1), w.r, w.strideH, w.padTop, w.padBottom), q = w.count(in.dim(2), w.s, w.strideW, w.padLeft, w.padRight);
        if (p < 1 || q < 1) {
            var padding = w.padTop + w.padLeft + w.padBottom + w.padRight == 0 ? ""
                : " with its padding of " + Checks.pads(w.padTop, w.padLeft, w.padBottom, w.padRight) + " a side";
            throw error(path, "%s %dx%d expects at least %dx%d pixels%s, input %s is too small",
                type(nn), w.r, w.s, w.reach(w.r), w.reach(w.s), padding, in);
        }
        return Shape.of(channels, size(p, path, type(nn), in), size(q, path, type(nn), in));
    }

    private static Shape shortcut(Shortcut shortcut, Shape in, String path) {
        if (in.dim(0) > shortcut.out()) {
            throw error(path, "shortcut expects at most %d channels, input is %s", shortcut.out(), in);
        }
        return Shape.of(shortcut.out(), Math.ceilDiv(in.dim(1), shortcut.stride()), Math.ceilDiv(in.dim(2), shortcut.stride()));
    }

    private static Shape planes(Nn nn, Shape input, String path) {
        if (input.rank() != 3 || input.elements() == 0) {
            throw error(path, "%s expects an image c x h x w, input is %s", type(nn), input);
        }
        return input;
    }

    private static Shape planesOrFlat(Nn nn, Shape input, String path) {
        return input.rank() == 1 ? input : planes(nn, input, path);
    }

    private static int features(Shape input, String path) {
        if (input.rank() != 3 && input.rank() != 1 || input.elements() == 0) {
            throw error(path, "expects an image c x h x w or a flat f, input is %s", input);
        }
        return size(input.elements(), path, "flattening", input);
    }

    private static int size(long value, String path, String what, Shape input) {
        if (value > Integer.MAX_VALUE) {
            throw error(path, "%s of %s would give %d values along one dimension, above 2^31 - 1", what, input, value);
        }
        return (int) value;
    }

    private static String list(List<Shape> shapes) {
        return shapes.stream().map(Shape::toString).collect(Collectors.joining(", "));
    }

    private static IllegalArgumentException error(String path, String message, Object... arguments) {
        return new IllegalArgumentException((path.isEmpty() ? "" : path + ": ") + String.format(Locale.ROOT, message, arguments));
    }
}
