// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import dev.sextant.Shape;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.nn.Aux;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Linear;
import dev.sextant.nn.Named;
import dev.sextant.nn.Nn;
import dev.sextant.nn.Parameter;
import dev.sextant.nn.Seq;
import dev.sextant.nn.Wired;
import java.util.ArrayList;
import java.util.List;

/**
 * A network without its weights: what is computed, on which input, from which pictures, and what the outputs are called.
 * Immutable; the methods return changed copies.
 *
 * @param name as in the catalogue, {@link Networks}
 * @param body the definition
 * @param input shape of one image, {@code c h w}
 * @param preprocessing from a picture to the input, of {@code input}'s shape; null where the input is no picture
 * @param labels one name for each output
 */
public record Network(String name, Nn body, Shape input, Preprocessing preprocessing, Labels labels) {

    /** @throws IllegalArgumentException where the input does not fit the body, or the other parts do not fit these two */
    public Network {
        var output = Layers.inference(body, input).output();
        var picture = preprocessing == null ? input : Shape.of(preprocessing.channels(), preprocessing.height(), preprocessing.width());
        if (!picture.equals(input)) {
            throw new IllegalArgumentException(name + ": expects pictures of its input " + input + ", found " + picture);
        }
        if (output.elements() != labels.size()) {
            throw new IllegalArgumentException(name + ": has " + output + " outputs, but there are " + labels.size() + " labels");
        }
    }

    /**
     * From a picture to the input.
     *
     * @throws IllegalArgumentException if the input is no picture
     */
    @Override
    public Preprocessing preprocessing() {
        if (preprocessing == null) throw new IllegalArgumentException(name + ": expects inputs of " + input + ", which are no pictures");
        return preprocessing;
    }

    /** Whether {@link #preprocessing} makes its inputs from pictures. */
    public boolean takesPictures() {
        return preprocessing != null;
    }

    /** A network of the thousand classes of ImageNet on 3x224x224. */
    static Network imageNet(String name, Nn body) {
        return new Network(name, body, Shape.of(3, 224, 224), Preprocessing.IMAGENET, Labels.imagenet());
    }

    /** A network of the ten classes of CIFAR-10 on 3x32x32. */
    static Network cifar10(String name, Nn body) {
        return new Network(name, body, Shape.of(3, 32, 32), Preprocessing.CIFAR10, Labels.cifar10());
    }

    /**
     * The same network with {@code classes} outputs: its last linear layer, and that of each auxiliary head, replaced. Labels
     * become the numbers from 0 where their count changes.
     */
    public Network classes(int classes) {
        var last = classes(body, classes, true);
        if (classes == labels.size()) return new Network(name, last, input, preprocessing, labels);
        var numbers = Labels.numbers(classes);
        return new Network(name, last, input, preprocessing, numbers);
    }

    /** The same network for pictures of another size. Weights of linear layers behind unpooled features depend on it. */
    public Network at(int height, int width) {
        var sized = preprocessing == null ? null : preprocessing.at(height, width);
        return new Network(name, body, Shape.of(input.dim(0), height, width), sized, labels);
    }

    /** The same network with other layers, which make the same of its input. */
    public Network with(Nn body) {
        return new Network(name, body, input, preprocessing, labels);
    }

    public Network with(Labels labels) {
        return new Network(name, body, input, preprocessing, labels);
    }

    public Network with(Preprocessing preprocessing) {
        return new Network(name, body, input, preprocessing, labels);
    }

    /** What inference runs at {@link #input}. */
    public Layers layers() {
        return Layers.inference(body, input);
    }

    /** All parameters of a checkpoint, those of auxiliary heads marked optional. */
    public List<Parameter> parameters() {
        return Layers.of(body, input).parameters();
    }

    /** How many values training adjusts, auxiliary heads included. */
    public long trainable() {
        return Layers.of(body, input).trainable();
    }

    /** Shape of the result for one image. */
    public Shape output() {
        return layers().output();
    }

    @Override
    public String toString() {
        return name + " on " + input;
    }

    private Nn classes(Nn nn, int classes, boolean last) {
        return switch (nn) {
            case Named named -> new Named(named.name(), classes(named.body(), classes, last));
            case Aux aux -> new Aux(classes(aux.head(), classes, true), aux.lossWeight());
            case Seq seq -> {
                var children = new ArrayList<Nn>();
                for (var child : seq.children()) {
                    children.add(classes(child, classes, last && children.size() == seq.children().size() - 1));
                }
                yield new Seq(children);
            }
            case Wired wired when last && wired.result() > 0 -> {
                var parts = new ArrayList<>(wired.parts());
                int end = wired.result() - 1;
                parts.set(end, new Wired.Part(parts.get(end).name(), classes(parts.get(end).nn(), classes, true), parts.get(end).sources()));
                yield new Wired(parts, wired.result());
            }
            case Linear linear when last -> new Linear(classes, linear.bias());
            default -> {
                if (last) throw new IllegalArgumentException(name + ": expects a linear layer at its end for the classes, found " + nn);
                yield nn;
            }
        };
    }
}
