// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Constant.Norm;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * One operation of a graph: it reads its sources and writes {@code dst}. {@code name} is that of the layer it came from, the
 * common part of its parameters' keys.
 */
public sealed interface Node {
    String name();

    /** What it reads, in the order of the C header's operands. */
    List<Value> sources();

    Value dst();

    /** All that it writes, {@link #dst} last. */
    default List<Value> results() {
        return List.of(dst());
    }

    /** The same operation on other values: {@code values} gives the new one for each source and for dst. */
    Node on(UnaryOperator<Value> values);

    /** The numbers it carries. */
    default List<Constant> constants() {
        return List.of();
    }

    /** What it does, for people: {@code conv 3x3/2 pad 1 relu}. */
    String text();

    /** A node that can apply a function to each element of its result. */
    sealed interface Tailed extends Node permits Conv, Linear, BatchNorm, TrainingNorm, Eltwise {
        Function tail();

        /** Whether it can apply this one. */
        default boolean takes(Function tail) {
            return true;
        }

        Node withTail(Function tail, Value dst);
    }

    /**
     * Convolution; with a residual, that value is added before the tail; with a norm {@code pre}, the source is normalised and
     * rectified as it is loaded. {@code residual}, {@code pre} and {@code bias} may be null.
     */
    record Conv(String name, Value src, Value residual, Value dst, Window window, int groups, Norm pre, Constant weights,
            Constant bias, Function tail) implements Tailed {

        /** Whether the result is the plain sum of products and bias, so that a linear function of it can be folded in. */
        public boolean isPlain() {
            return residual == null && tail == Function.IDENTITY;
        }

        @Override
        public List<Value> sources() {
            return residual == null ? List.of(src) : List.of(src, residual);
        }

        @Override
        public Conv on(UnaryOperator<Value> values) {
            return new Conv(name, values.apply(src), residual == null ? null : values.apply(residual), values.apply(dst), window,
                groups, pre, weights, bias, tail);
        }

        @Override
        public Conv withTail(Function tail, Value dst) {
            return new Conv(name, src, residual, dst, window, groups, pre, weights, bias, tail);
        }

        public Conv withConstants(Constant weights, Constant bias, Value dst) {
            return new Conv(name, src, residual, dst, window, groups, pre, weights, bias, tail);
        }

        public Conv withResidual(Value residual, Function tail, Value dst) {
            return new Conv(name, src, residual, dst, window, groups, pre, weights, bias, tail);
        }

        public Conv withPre(Norm pre, Value src) {
            return new Conv(name, src, residual, dst, window, groups, pre, weights, bias, tail);
        }

        @Override
        public List<Constant> constants() {
            return Stream.of(weights, bias, pre == null ? null : pre.scale(), pre == null ? null : pre.shift())
                .filter(c -> c != null).toList();
        }

        @Override
        public String text() {
            return (pre == null ? "" : "norm relu ") + "conv " + window + (groups == 1 ? "" : " groups " + groups)
                + (residual == null ? "" : " + " + residual) + suffix(tail);
        }
    }

    /** Fully connected, on its source's elements in the order c h w. {@code bias} may be null. */
    record Linear(String name, Value src, Value dst, Constant weights, Constant bias, Function tail) implements Tailed {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Linear on(UnaryOperator<Value> values) {
            return new Linear(name, values.apply(src), values.apply(dst), weights, bias, tail);
        }

        @Override
        public Linear withTail(Function tail, Value dst) {
            return new Linear(name, src, dst, weights, bias, tail);
        }

        @Override
        public List<Constant> constants() {
            return bias == null ? List.of(weights) : List.of(weights, bias);
        }

        @Override
        public String text() {
            return "linear" + suffix(tail);
        }
    }

    /** Kinds of pooling, in the order of the C header's constants. */
    enum PoolKind { MAX, AVERAGE, AVERAGE_WITH_PAD, AVERAGE_ADAPTIVE }

    /** Pooling; with a norm {@code pre}, which may be null, the source is normalised and rectified as it is loaded. */
    record Pool(String name, Value src, Value dst, PoolKind kind, Window window, Norm pre) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Pool on(UnaryOperator<Value> values) {
            return new Pool(name, values.apply(src), values.apply(dst), kind, window, pre);
        }

        @Override
        public List<Constant> constants() {
            return pre == null ? List.of() : List.of(pre.scale(), pre.shift());
        }

        @Override
        public String text() {
            return (pre == null ? "" : "norm relu ") + kind.name().toLowerCase(Locale.ROOT).replace('_', ' ') + " pool " + window;
        }
    }

    record Lrn(String name, Value src, Value dst, int size, double alpha, double beta, double k) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Lrn on(UnaryOperator<Value> values) {
            return new Lrn(name, values.apply(src), values.apply(dst), size, alpha, beta, k);
        }

        @Override
        public String text() {
            return "lrn " + size;
        }
    }

    record BatchNorm(String name, Value src, Value dst, Norm norm, Function tail) implements Tailed {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public BatchNorm on(UnaryOperator<Value> values) {
            return new BatchNorm(name, values.apply(src), values.apply(dst), norm, tail);
        }

        @Override
        public BatchNorm withTail(Function tail, Value dst) {
            return new BatchNorm(name, src, dst, norm, tail);
        }

        @Override
        public List<Constant> constants() {
            return List.of(norm.scale(), norm.shift());
        }

        @Override
        public String text() {
            return "norm" + suffix(tail);
        }
    }

    /**
     * Batch norm in training: with the batch's own statistics, which move the running ones by {@code momentum} towards them; with
     * a residual, that value is added before the tail. {@code residual} may be null.
     *
     * @param saved what the backward pass wants of the statistics: means, then reciprocals of the deviations
     */
    record TrainingNorm(String name, Value src, Value residual, Value saved, Value dst, Norm norm, double momentum, Function tail)
            implements Tailed {
        @Override
        public List<Value> sources() {
            return residual == null ? List.of(src) : List.of(src, residual);
        }

        @Override
        public List<Value> results() {
            return List.of(saved, dst);
        }

        @Override
        public TrainingNorm on(UnaryOperator<Value> values) {
            return new TrainingNorm(name, values.apply(src), residual == null ? null : values.apply(residual), values.apply(saved),
                values.apply(dst), norm, momentum, tail);
        }

        @Override
        public boolean takes(Function tail) {
            return tail == Function.RELU;
        }

        @Override
        public TrainingNorm withTail(Function tail, Value dst) {
            return new TrainingNorm(name, src, residual, saved, dst, norm, momentum, tail);
        }

        TrainingNorm withResidual(Value residual, Function tail, Value dst) {
            return new TrainingNorm(name, src, residual, saved, dst, norm, momentum, tail);
        }

        @Override
        public List<Constant> constants() {
            return List.copyOf(norm.parameters());
        }

        @Override
        public String text() {
            return "batch norm" + (residual == null ? "" : " + " + residual) + suffix(tail);
        }
    }

    /**
     * In training, sets elements to zero with probability {@code rate} and divides the others by {@code 1 - rate}.
     *
     * @param stream tells its random numbers from those of a network's other dropouts
     */
    record Dropout(String name, Value src, Value dst, double rate, int stream) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Dropout on(UnaryOperator<Value> values) {
            return new Dropout(name, values.apply(src), values.apply(dst), rate, stream);
        }

        @Override
        public String text() {
            return "dropout " + rate;
        }
    }

    /** A function of each element, of the sum of two values where {@code other} is not null. */
    record Eltwise(String name, Value src, Value other, Value dst, Function tail) implements Tailed {
        @Override
        public List<Value> sources() {
            return other == null ? List.of(src) : List.of(src, other);
        }

        @Override
        public Eltwise on(UnaryOperator<Value> values) {
            return new Eltwise(name, values.apply(src), other == null ? null : values.apply(other), values.apply(dst), tail);
        }

        @Override
        public Eltwise withTail(Function tail, Value dst) {
            return new Eltwise(name, src, other, dst, tail);
        }

        @Override
        public String text() {
            return other == null ? tail.name().toLowerCase(Locale.ROOT) : "add" + suffix(tail);
        }
    }

    /** Over all values of an image, or over each of {@code rows} equal parts of them. */
    record Softmax(String name, Value src, Value dst, boolean log, int rows) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Softmax on(UnaryOperator<Value> values) {
            return new Softmax(name, values.apply(src), values.apply(dst), log, rows);
        }

        @Override
        public String text() {
            return log ? "log softmax" : "softmax";
        }
    }

    /** Joins along the channels by copying. */
    record Concat(String name, List<Value> sources, Value dst) implements Node {
        public Concat {
            sources = List.copyOf(sources);
        }

        @Override
        public Concat on(UnaryOperator<Value> values) {
            return new Concat(name, sources.stream().map(values).toList(), values.apply(dst));
        }

        @Override
        public String text() {
            return "concat";
        }
    }

    /** The parameter-free shortcut of CIFAR ResNets, option A. */
    record Shortcut(String name, Value src, Value dst, int stride) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Shortcut on(UnaryOperator<Value> values) {
            return new Shortcut(name, values.apply(src), values.apply(dst), stride);
        }

        @Override
        public String text() {
            return "shortcut /" + stride;
        }
    }

    /** The same elements, plain, in another shape: as a rule features, {@code n c h w -> n (c h w)}. */
    record Flatten(String name, Value src, Value dst) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Flatten on(UnaryOperator<Value> values) {
            return new Flatten(name, values.apply(src), values.apply(dst));
        }

        @Override
        public String text() {
            return dst.isFlat() ? "flatten" : "reshape";
        }
    }

    /** What computes nothing: dropout in inference, a plain branch. */
    record Identity(String name, Value src, Value dst) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Identity on(UnaryOperator<Value> values) {
            return new Identity(name, values.apply(src), values.apply(dst));
        }

        @Override
        public String text() {
            return "identity";
        }
    }

    /** A copy into another layout or place. */
    record Reorder(String name, Value src, Value dst) implements Node {
        @Override
        public List<Value> sources() {
            return List.of(src);
        }

        @Override
        public Reorder on(UnaryOperator<Value> values) {
            return new Reorder(name, values.apply(src), values.apply(dst));
        }

        @Override
        public String text() {
            return "reorder";
        }
    }

    private static String suffix(Function tail) {
        return tail == Function.IDENTITY ? "" : " " + tail.name().toLowerCase(Locale.ROOT);
    }
}
