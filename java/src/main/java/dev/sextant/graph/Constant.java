// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;

/** Numbers that belong to a node: a parameter, or what a pass made of some. Nothing is computed before {@link #evaluate}. */
public sealed interface Constant {
    ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    Shape shape();

    /** The parameters it is made from. */
    List<Parameter> parameters();

    /** Its values: dense, row-major, native float32. Computed in double and rounded once; a plain parameter is not copied. */
    MemorySegment evaluate(Parameters source, Arena arena);

    /** A parameter as the checkpoint has it. */
    record Parameter(String key, Shape shape) implements Constant {
        @Override
        public List<Parameter> parameters() {
            return List.of(this);
        }

        @Override
        public MemorySegment evaluate(Parameters source, Arena arena) {
            return source.floats(this, arena);
        }
    }

    /**
     * Batch norm with given statistics (Ioffe &amp; Szegedy, arXiv:1502.03167): {@code y = scale x + shift}, where
     * {@code scale = gamma / sqrt(variance + eps)} and {@code shift = beta - mean scale}.
     */
    record Norm(Parameter gamma, Parameter beta, Parameter mean, Parameter variance, double eps) {

        public int channels() {
            return gamma.shape().dim(0);
        }

        public List<Parameter> parameters() {
            return List.of(gamma, beta, mean, variance);
        }

        /** The factor of each channel. */
        public Scale scale() {
            return new Scale(this);
        }

        /** What is added to each channel. */
        public Shift shift() {
            return new Shift(null, this);
        }

        double[] scales(Parameters source, Arena arena) {
            var gammas = source.floats(gamma, arena);
            var variances = source.floats(variance, arena);
            var scales = new double[channels()];
            for (int k = 0; k < scales.length; k++) {
                scales[k] = gammas.getAtIndex(FLOAT, k) / Math.sqrt(variances.getAtIndex(FLOAT, k) + eps);
            }
            return scales;
        }
    }

    /** A norm's factors. */
    record Scale(Norm norm) implements Constant {
        @Override
        public Shape shape() {
            return norm.gamma().shape();
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(norm.gamma(), norm.variance());
        }

        @Override
        public MemorySegment evaluate(Parameters source, Arena arena) {
            return rounded(norm.scales(source, arena), arena);
        }
    }

    /** What a norm adds, after a layer that added {@code bias} (null: nothing): {@code beta + (bias - mean) scale}. */
    record Shift(Constant bias, Norm norm) implements Constant {
        @Override
        public Shape shape() {
            return norm.gamma().shape();
        }

        @Override
        public List<Parameter> parameters() {
            return bias == null ? norm.parameters() : concat(bias.parameters(), norm.parameters());
        }

        @Override
        public MemorySegment evaluate(Parameters source, Arena arena) {
            var biases = bias == null ? null : bias.evaluate(source, arena);
            var betas = source.floats(norm.beta(), arena);
            var means = source.floats(norm.mean(), arena);
            var shifts = norm.scales(source, arena);
            for (int k = 0; k < shifts.length; k++) {
                double before = biases == null ? 0 : biases.getAtIndex(FLOAT, k);
                shifts[k] = betas.getAtIndex(FLOAT, k) + (before - means.getAtIndex(FLOAT, k)) * shifts[k];
            }
            return rounded(shifts, arena);
        }
    }

    /** A convolution's weights with the norm behind it folded in: {@code weights[k] scale[k]}. */
    record Scaled(Constant weights, Norm norm) implements Constant {
        @Override
        public Shape shape() {
            return weights.shape();
        }

        @Override
        public List<Parameter> parameters() {
            return concat(weights.parameters(), List.of(norm.gamma(), norm.variance()));
        }

        @Override
        public MemorySegment evaluate(Parameters source, Arena arena) {
            var plain = weights.evaluate(source, arena);
            var scales = norm.scales(source, arena);
            var scaled = arena.allocate(plain.byteSize(), Float.BYTES);
            long each = plain.byteSize() / Float.BYTES / scales.length;
            for (int k = 0; k < scales.length; k++) {
                for (long i = k * each; i < (k + 1) * each; i++) {
                    scaled.setAtIndex(FLOAT, i, (float) (plain.getAtIndex(FLOAT, i) * scales[k]));
                }
            }
            return scaled;
        }
    }

    private static MemorySegment rounded(double[] values, Arena arena) {
        var floats = arena.allocate((long) values.length * Float.BYTES, Float.BYTES);
        for (int i = 0; i < values.length; i++) floats.setAtIndex(FLOAT, i, (float) values[i]);
        return floats;
    }

    private static List<Parameter> concat(List<Parameter> first, List<Parameter> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
