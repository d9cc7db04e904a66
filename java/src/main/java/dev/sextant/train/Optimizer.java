// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import java.util.Locale;

/**
 * How a step changes the parameters, given the gradient {@code g} of the mean loss. The rate is not part of it: a
 * {@link Schedule} gives that, step by step. The moments start at 0 and belong to a checkpoint like the parameters.
 */
public sealed interface Optimizer {
    /** The factor that pulls parameters towards 0; 0 is no decay. */
    double weightDecay();

    /** Whether decay reaches all parameters, or leaves biases and the gamma and beta of batch norms alone. */
    boolean decayAll();

    /** Gradients longer than this, all taken as one vector, are scaled down to it; 0 leaves them as they are. */
    double largestNorm();

    Optimizer withWeightDecay(double weightDecay);

    Optimizer withDecayAll(boolean decayAll);

    Optimizer withLargestNorm(double largestNorm);

    /** How many moments it keeps of each parameter: 1 or 2. */
    int moments();

    /**
     * Stochastic gradient descent: {@code m = momentum * m + g + weightDecay * w}, then {@code w -= rate * m}, or Nesterov's
     * {@code w -= rate * (g + weightDecay * w + momentum * m)}. As in Sutskever, Martens, Dahl, Hinton, "On the importance of
     * initialization and momentum in deep learning", ICML 2013, with the rate outside the moment as PyTorch has it.
     *
     * @param momentum from 0, which is none, to under 1
     * @throws IllegalArgumentException for a number outside its range
     */
    record Sgd(double momentum, boolean nesterov, double weightDecay, boolean decayAll, double largestNorm)
            implements Optimizer {
        public Sgd {
            fraction("momentum", momentum);
            common(weightDecay, largestNorm);
            if (nesterov && momentum == 0) throw new IllegalArgumentException("nesterov: expects a momentum over 0, found 0");
        }

        /** Decay of all parameters, as the papers of the six networks have it; no clipping. */
        public static Sgd of(double momentum, double weightDecay) {
            return new Sgd(momentum, false, weightDecay, true, 0);
        }

        public Sgd withNesterov(boolean nesterov) {
            return new Sgd(momentum, nesterov, weightDecay, decayAll, largestNorm);
        }

        @Override
        public Sgd withWeightDecay(double weightDecay) {
            return new Sgd(momentum, nesterov, weightDecay, decayAll, largestNorm);
        }

        @Override
        public Sgd withDecayAll(boolean decayAll) {
            return new Sgd(momentum, nesterov, weightDecay, decayAll, largestNorm);
        }

        @Override
        public Sgd withLargestNorm(double largestNorm) {
            return new Sgd(momentum, nesterov, weightDecay, decayAll, largestNorm);
        }

        @Override
        public int moments() {
            return 1;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "sgd (momentum %s%s%s)", number(momentum), nesterov ? ", nesterov" : "",
                rest(this));
        }
    }

    /**
     * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2): {@code m} and {@code v} are
     * running means of {@code g} and {@code g^2}, corrected for their start at 0, and
     * {@code w -= rate * (weightDecay * w + m / (sqrt(v) + eps))}.
     *
     * @param beta1 what a step keeps of {@code m}, from 0 to under 1
     * @param beta2 what a step keeps of {@code v}, from 0 to under 1
     * @throws IllegalArgumentException for a number outside its range
     */
    record AdamW(double beta1, double beta2, double eps, double weightDecay, boolean decayAll, double largestNorm)
            implements Optimizer {
        public AdamW {
            fraction("beta1", beta1);
            fraction("beta2", beta2);
            if (!(eps > 0) || Double.isInfinite(eps)) throw new IllegalArgumentException("eps: expects a number over 0, found "
                + eps);
            common(weightDecay, largestNorm);
        }

        /** The usual 0.9, 0.999 and 1e-8; decay leaves biases and norms alone, no clipping. */
        public static AdamW of(double weightDecay) {
            return new AdamW(0.9, 0.999, 1e-8, weightDecay, false, 0);
        }

        @Override
        public AdamW withWeightDecay(double weightDecay) {
            return new AdamW(beta1, beta2, eps, weightDecay, decayAll, largestNorm);
        }

        @Override
        public AdamW withDecayAll(boolean decayAll) {
            return new AdamW(beta1, beta2, eps, weightDecay, decayAll, largestNorm);
        }

        @Override
        public AdamW withLargestNorm(double largestNorm) {
            return new AdamW(beta1, beta2, eps, weightDecay, decayAll, largestNorm);
        }

        @Override
        public int moments() {
            return 2;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "adamw (betas %s %s, eps %s%s)", number(beta1), number(beta2), number(eps),
                rest(this));
        }
    }

    private static void common(double weightDecay, double largestNorm) {
        if (!(weightDecay >= 0) || Double.isInfinite(weightDecay)) {
            throw new IllegalArgumentException("weight decay: expects a number from 0, found " + weightDecay);
        }
        if (!(largestNorm >= 0) || Double.isInfinite(largestNorm)) {
            throw new IllegalArgumentException("largest norm: expects a number over 0, or 0 for no clipping, found "
                + largestNorm);
        }
    }

    private static void fraction(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(name + ": expects a number from 0 to under 1, found " + value);
        }
    }

    private static String rest(Optimizer optimizer) {
        var text = new StringBuilder();
        if (optimizer.weightDecay() > 0) {
            text.append(", decay ").append(number(optimizer.weightDecay()));
            if (!optimizer.decayAll()) text.append(" of weights only");
        }
        if (optimizer.largestNorm() > 0) text.append(", gradients clipped to ").append(number(optimizer.largestNorm()));
        return text.toString();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.6g", value).replaceAll("0+($|e)", "$1").replaceAll("\\.($|e)", "$1");
    }
}
