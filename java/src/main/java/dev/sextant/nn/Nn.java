// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A description of a network or of a part of it: what is computed, free of weights, memory and devices. All descriptions are
 * immutable records; the static methods here are the vocabulary, meant for {@code import static dev.sextant.nn.Nn.*}:
 *
 * {@snippet :
 * seq(                                                   //  3 x 32 x 32
 *     conv(16, 3).pad(1).noBias(), batchNorm(), relu(),  // 16 x 32 x 32
 *     maxPool(2, 2),                                     // 16 x 16 x 16
 *     linear(10));
 * }
 *
 * Input channels are never written: they follow from the input. Shapes here are those of one image, {@code c h w} ({@code f}
 * after a {@link Linear} or {@link Flatten}); any batch goes through.
 *
 * <p><b>Parameter keys.</b> A child of {@link Seq}, {@link Concat} or {@link Add} is called by its position, {@code 0 1 2
 * ...}, unless it is given a name with {@link #as}; the parts of a path join with dots, and {@code .weight}, {@code .bias},
 * {@code .running_mean}, {@code .running_var} end a key. {@code as("")} adds no part at all. {@link Layers} lists a
 * description's layers, keys and shapes.
 */
public sealed interface Nn permits Conv, Linear, Pool, GlobalPool, AdaptiveAvgPool, BatchNorm, Activation, Lrn, Dropout,
        Softmax, Flatten, Reshape, Identity, Shortcut, Seq, Concat, Add, Named, Aux, Wired {

    /**
     * This, called {@code name} in parameter keys and reports instead of by its position; {@code ""} leaves no trace in keys.
     */
    default Nn as(String name) {
        return new Named(name, this);
    }

    /** The same with each leaf replaced by what {@code leaf} makes of it; what was called by a name or its position still is. */
    default Nn replacingLeaves(UnaryOperator<Nn> leaf) {
        UnaryOperator<Nn> inside = nn -> nn.replacingLeaves(leaf);
        return switch (this) {
            case Named named -> new Named(named.name(), inside.apply(named.body()));
            case Seq seq -> new Seq(seq.children().stream().map(inside).toList());
            case Concat concat -> new Concat(concat.branches().stream().map(inside).toList());
            case Add add -> new Add(add.branches().stream().map(inside).toList());
            case Aux aux -> new Aux(inside.apply(aux.head()), aux.lossWeight());
            case Wired wired -> new Wired(wired.parts().stream().map(part -> part.nn() instanceof Add || part.nn() instanceof Concat ? part
                : new Wired.Part(part.name(), inside.apply(part.nn()), part.sources())).toList(), wired.result());
            default -> leaf.apply(this);
        };
    }

    /** Square convolution: {@code out} channels, {@code k x k} kernel, stride 1, no padding, with bias. */
    static Conv conv(int out, int k) {
        return conv(out, k, k);
    }

    /** Convolution with a kernel of {@code r} rows and {@code s} columns, stride 1, no padding, with bias. */
    static Conv conv(int out, int r, int s) {
        return new Conv(out, r, s, 1, 1, 0, 0, 0, 0, 1, 1, true);
    }

    /** Fully connected layer with bias on the flattened input. */
    static Linear linear(int out) {
        return new Linear(out, true);
    }

    /** Max pooling over {@code k x k} windows. */
    static Pool maxPool(int k, int stride) {
        return maxPool(k, stride, 0);
    }

    static Pool maxPool(int k, int stride, int pad) {
        return new Pool(Pool.Kind.MAX, k, k, stride, stride, pad, pad, pad, pad, 1, false, true);
    }

    /** Average pooling over {@code k x k} windows. */
    static Pool avgPool(int k, int stride) {
        return avgPool(k, stride, 0);
    }

    static Pool avgPool(int k, int stride, int pad) {
        return new Pool(Pool.Kind.AVG, k, k, stride, stride, pad, pad, pad, pad, 1, false, true);
    }

    /** Mean of each channel's plane: {@code c h w -> c 1 1}. */
    static GlobalPool globalAvgPool() {
        return new GlobalPool(Pool.Kind.AVG);
    }

    /** Maximum of each channel's plane: {@code c h w -> c 1 1}. */
    static GlobalPool globalMaxPool() {
        return new GlobalPool(Pool.Kind.MAX);
    }

    /** Average pooling to {@code p x q} whatever the input's size. */
    static AdaptiveAvgPool adaptiveAvgPool(int p, int q) {
        return new AdaptiveAvgPool(p, q);
    }

    /** Batch normalisation with eps 1e-5 and momentum 0.1. */
    static BatchNorm batchNorm() {
        return batchNorm(1e-5);
    }

    static BatchNorm batchNorm(double eps) {
        return new BatchNorm(eps, 0.1);
    }

    static Activation relu() {
        return new Activation(Activation.Function.RELU);
    }

    static Activation tanh() {
        return new Activation(Activation.Function.TANH);
    }

    static Activation sigmoid() {
        return new Activation(Activation.Function.SIGMOID);
    }

    /**
     * Local response normalisation across {@code size} channels; {@code alpha} multiplies the plain sum of squares, see
     * {@link Lrn}.
     */
    static Lrn lrn(int size, double alpha, double beta, double k) {
        return new Lrn(size, alpha, beta, k);
    }

    static Dropout dropout(double rate) {
        return new Dropout(rate);
    }

    static Softmax softmax() {
        return new Softmax(false);
    }

    static Softmax logSoftmax() {
        return new Softmax(true);
    }

    static Flatten flatten() {
        return new Flatten();
    }

    static Identity identity() {
        return new Identity();
    }

    /** The parameter-free "option A" shortcut of CIFAR ResNets, see {@link Shortcut}. */
    static Shortcut shortcut(int out, int stride) {
        return new Shortcut(out, stride);
    }

    /** One after the other. */
    static Seq seq(Nn... children) {
        return new Seq(List.of(children));
    }

    static Seq seq(List<? extends Nn> children) {
        return new Seq(List.copyOf(children));
    }

    /** Every branch on the same input, results joined along the channels. */
    static Concat concat(Nn... branches) {
        return new Concat(List.of(branches));
    }

    /** Every branch on the same input, results summed. */
    static Add add(Nn... branches) {
        return new Add(List.of(branches));
    }

    /** A head that only training runs, see {@link Aux}. */
    static Aux aux(Nn head, double lossWeight) {
        return new Aux(head, lossWeight);
    }
}
