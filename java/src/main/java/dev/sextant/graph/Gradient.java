// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One operation of the backward pass. A value {@code diff...} is the gradient of the loss with respect to another; where
 * {@code accumulate} is said, the operation adds to what its result holds.
 */
public sealed interface Gradient {
    /** That of the layer it belongs to. */
    String name();

    /** The values it reads, in the order of the C header's operands. */
    List<Value> reads();

    /** The values it writes, in that order. */
    List<Value> writes();

    /** What it does, for people. */
    String text();

    /** The loss of {@code logits}, weighted, and its gradient. */
    record Loss(String name, Value logits, Value diff, double weight) implements Gradient {
        @Override
        public List<Value> reads() {
            return List.of(logits);
        }

        @Override
        public List<Value> writes() {
            return List.of(diff);
        }

        @Override
        public String text() {
            return "cross entropy" + (weight == 1 ? "" : " x " + weight);
        }
    }

    /** The gradients of the parameters of {@code node}, a convolution or a fully connected layer. */
    record Weights(Node node, Value diffDst) implements Gradient {
        @Override
        public String name() {
            return node.name();
        }

        @Override
        public List<Value> reads() {
            return List.of(node.sources().getFirst(), diffDst);
        }

        @Override
        public List<Value> writes() {
            return List.of();
        }

        @Override
        public String text() {
            return node.text() + " backward weights";
        }
    }

    /**
     * The gradient of the source of {@code node}, and that of a batch norm's parameters. A norm's residual gets what is left of
     * {@code diffDst} behind the tail, in place.
     */
    record Source(Node node, Value diffDst, Value diffSrc, boolean accumulate) implements Gradient {
        @Override
        public String name() {
            return node.name();
        }

        @Override
        public List<Value> reads() {
            return switch (node) {
                case Node.Pool pool when pool.kind() == Node.PoolKind.MAX -> List.of(pool.src(), diffDst);
                case Node.Lrn lrn -> List.of(lrn.src(), diffDst);
                case Node.TrainingNorm norm when norm.tail() == Function.IDENTITY -> List.of(norm.src(), diffDst, norm.saved());
                case Node.TrainingNorm norm -> List.of(norm.src(), norm.dst(), diffDst, norm.saved());
                default -> List.of(diffDst);
            };
        }

        @Override
        public List<Value> writes() {
            return node instanceof Node.TrainingNorm norm && norm.residual() != null ? List.of(diffDst, diffSrc) : List.of(diffSrc);
        }

        @Override
        public String text() {
            return node.text() + " backward" + (accumulate ? ", added" : "");
        }
    }

    /** Through an activation function, told by its result {@code dst}; with the identity, for which that is null, a copy or sum. */
    record Through(String name, Function function, Value dst, Value diffDst, Value diffSrc, boolean accumulate) implements Gradient {
        @Override
        public List<Value> reads() {
            return dst == null ? List.of(diffDst) : List.of(dst, diffDst);
        }

        @Override
        public List<Value> writes() {
            return List.of(diffSrc);
        }

        @Override
        public String text() {
            var text = function == Function.IDENTITY ? "copy" : function.name().toLowerCase(Locale.ROOT) + " backward";
            return text + (accumulate ? ", added" : "");
        }
    }

    /** From a concatenation to its parts. */
    record Split(String name, Value diffDst, List<Value> parts) implements Gradient {
        public Split {
            parts = List.copyOf(parts);
        }

        @Override
        public List<Value> reads() {
            return List.of(diffDst);
        }

        @Override
        public List<Value> writes() {
            return parts;
        }

        @Override
        public String text() {
            return "split";
        }
    }

    /** All values it touches. */
    default List<Value> values() {
        var values = new ArrayList<>(reads());
        values.addAll(writes());
        return values;
    }
}
