// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.graph.Constant.Norm;
import dev.sextant.graph.Constant.Parameter;
import dev.sextant.graph.Node.PoolKind;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.DoubleUnaryOperator;

/**
 * What a graph means: plain loops in double over n c h w, at any point of compilation. Layouts are ignored, but slices lie in
 * their wholes, so that a value written to the wrong channels is seen.
 */
public final class Interpreter {
    private final Graph graph;
    private final Parameters parameters;
    private final Map<Value, double[]> wholes = new HashMap<>();

    private Interpreter(Graph graph, Parameters parameters) {
        this.graph = graph;
        this.parameters = parameters;
    }

    /** The taps by name and the output under the empty name. */
    public static SequencedMap<String, double[]> run(Graph graph, Parameters parameters, double[] input) {
        var interpreter = new Interpreter(graph, parameters);
        interpreter.write(graph.input(), input);
        for (var node : graph.nodes()) interpreter.write(node.dst(), interpreter.result(node));
        var results = new LinkedHashMap<String, double[]>();
        graph.taps().forEach((name, value) -> results.put(name, interpreter.read(value)));
        results.put("", interpreter.read(graph.output()));
        return results;
    }

    private double[] read(Value value) {
        var whole = graph.whole(value);
        var from = wholes.get(whole);
        var to = new double[(int) value.shape().elements()];
        int plane = value.h() * value.w(), length = value.c() * plane;
        for (int n = 0; n < value.n(); n++) {
            System.arraycopy(from, (n * whole.c() + graph.channel(value)) * plane, to, n * length, length);
        }
        return to;
    }

    private void write(Value value, double[] from) {
        var whole = graph.whole(value);
        var to = wholes.computeIfAbsent(whole, w -> new double[(int) w.shape().elements()]);
        int plane = value.h() * value.w(), length = value.c() * plane;
        for (int n = 0; n < value.n(); n++) {
            System.arraycopy(from, n * length, to, (n * whole.c() + graph.channel(value)) * plane, length);
        }
    }

    private double[] result(Node node) {
        return switch (node) {
            case Node.Conv conv -> conv(conv);
            case Node.Linear linear -> {
                var x = read(linear.src());
                var w = numbers((Parameter) linear.weights());
                var b = linear.bias() == null ? null : numbers((Parameter) linear.bias());
                int out = linear.dst().c(), in = x.length / linear.src().n();
                var y = new double[linear.dst().n() * out];
                for (int i = 0; i < y.length; i++) {
                    double sum = b == null ? 0 : b[i % out];
                    for (int j = 0; j < in; j++) sum += w[i % out * in + j] * x[i / out * in + j];
                    y[i] = sum;
                }
                yield apply(y, linear.tail());
            }
            case Node.Pool pool -> pool(pool);
            case Node.Lrn lrn -> lrn(lrn);
            case Node.BatchNorm norm -> apply(normalised(read(norm.src()), norm.src(), norm.norm()), norm.tail());
            case Node.TrainingNorm norm -> {
                var y = standardised(read(norm.src()), norm.src(), norm.norm());
                if (norm.residual() != null) {
                    var x = read(norm.residual());
                    for (int i = 0; i < y.length; i++) y[i] += x[i];
                }
                yield apply(y, norm.tail());
            }
            case Node.Dropout _ -> throw new IllegalArgumentException("interpreter: dropout is random");
            case Node.Eltwise eltwise -> {
                var y = read(eltwise.src());
                if (eltwise.other() != null) {
                    var x = read(eltwise.other());
                    for (int i = 0; i < y.length; i++) y[i] += x[i];
                }
                yield apply(y, eltwise.tail());
            }
            case Node.Softmax softmax -> {
                var y = read(softmax.src());
                int c = softmax.src().c() / softmax.rows();
                for (int start = 0; start < y.length; start += c) {
                    double sum = 0;
                    for (int i = start; i < start + c; i++) sum += Math.exp(y[i]);
                    for (int i = start; i < start + c; i++) y[i] = softmax.log() ? y[i] - Math.log(sum) : Math.exp(y[i]) / sum;
                }
                yield y;
            }
            case Node.Concat concat -> {
                var y = new double[(int) concat.dst().shape().elements()];
                int plane = concat.dst().h() * concat.dst().w(), channel = 0;
                for (var source : concat.sources()) {
                    var x = read(source);
                    int length = source.c() * plane;
                    for (int n = 0; n < source.n(); n++) System.arraycopy(x, n * length, y,
                        (n * concat.dst().c() + channel) * plane, length);
                    channel += source.c();
                }
                yield y;
            }
            case Node.Shortcut shortcut -> {
                var x = read(shortcut.src());
                Value src = shortcut.src(), dst = shortcut.dst();
                var y = new double[(int) dst.shape().elements()];
                int before = (dst.c() - src.c()) / 2;
                for (int n = 0; n < src.n(); n++)
                    for (int c = 0; c < src.c(); c++)
                        for (int p = 0; p < dst.h(); p++)
                            for (int q = 0; q < dst.w(); q++)
                                y[at(dst, n, c + before, p, q)] = x[at(src, n, c, p * shortcut.stride(), q * shortcut.stride())];
                yield y;
            }
            case Node.Flatten flatten -> read(flatten.src());
            case Node.Identity identity -> read(identity.src());
            case Node.Reorder reorder -> read(reorder.src());
        };
    }

    private double[] conv(Node.Conv conv) {
        Value src = conv.src(), dst = conv.dst();
        var window = conv.window();
        var x = read(src);
        if (conv.pre() != null) x = apply(normalised(x, src, conv.pre()), Function.RELU);
        double[] w, b;
        try (var arena = Arena.ofConfined()) {
            w = doubles(conv.weights().evaluate(parameters, arena).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
            b = conv.bias() == null ? new double[dst.c()]
                : doubles(conv.bias().evaluate(parameters, arena).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
        }
        var residual = conv.residual() == null ? null : read(conv.residual());
        var y = new double[(int) dst.shape().elements()];
        int channels = src.c() / conv.groups(), outputs = dst.c() / conv.groups();
        for (int n = 0; n < dst.n(); n++)
            for (int k = 0; k < dst.c(); k++)
                for (int p = 0; p < dst.h(); p++)
                    for (int q = 0; q < dst.w(); q++) {
                        double sum = b[k];
                        for (int c = 0; c < channels; c++)
                            for (int r = 0; r < window.r(); r++)
                                for (int s = 0; s < window.s(); s++) {
                                    int i = p * window.strideH() - window.padTop() + r * window.dilation();
                                    int j = q * window.strideW() - window.padLeft() + s * window.dilation();
                                    if (i < 0 || i >= src.h() || j < 0 || j >= src.w()) continue;
                                    sum += w[((k * channels + c) * window.r() + r) * window.s()
                                        + s] * x[at(src, n, k / outputs * channels + c, i, j)];
                                }
                        int to = at(dst, n, k, p, q);
                        y[to] = residual == null ? sum : sum + residual[to];
                    }
        return apply(y, conv.tail());
    }

    private double[] pool(Node.Pool pool) {
        Value src = pool.src(), dst = pool.dst();
        var window = pool.window();
        var x = read(src);
        if (pool.pre() != null) x = apply(normalised(x, src, pool.pre()), Function.RELU);
        var y = new double[(int) dst.shape().elements()];
        boolean adaptive = pool.kind() == PoolKind.AVERAGE_ADAPTIVE;
        for (int n = 0; n < dst.n(); n++)
            for (int c = 0; c < dst.c(); c++)
                for (int p = 0; p < dst.h(); p++)
                    for (int q = 0; q < dst.w(); q++) {
                        int top = adaptive ? p * src.h() / dst.h() : p * window.strideH() - window.padTop();
                        int left = adaptive ? q * src.w() / dst.w() : q * window.strideW() - window.padLeft();
                        int r = adaptive ? ((p + 1) * src.h() + dst.h() - 1) / dst.h() - top : window.r();
                        int s = adaptive ? ((q + 1) * src.w() + dst.w() - 1) / dst.w() - left : window.s();
                        double sum = 0, max = Double.NEGATIVE_INFINITY;
                        int inside = 0, padded = 0;
                        for (int i = 0; i < r; i++)
                            for (int j = 0; j < s; j++) {
                                int row = top + i * window.dilation(), column = left + j * window.dilation();
                                if (row < src.h() + window.padBottom() && column < src.w() + window.padRight()) padded++;
                                if (row < 0 || row >= src.h() || column < 0 || column >= src.w()) continue;
                                double value = x[at(src, n, c, row, column)];
                                sum += value;
                                max = Math.max(max, value);
                                inside++;
                            }
                        y[at(dst, n, c, p, q)] = switch (pool.kind()) {
                            case MAX -> max;
                            case AVERAGE, AVERAGE_ADAPTIVE -> sum / inside;
                            case AVERAGE_WITH_PAD -> sum / padded;
                        };
                    }
        return y;
    }

    private double[] lrn(Node.Lrn lrn) {
        var src = lrn.src();
        var x = read(src);
        var y = new double[x.length];
        int plane = src.h() * src.w();
        for (int i = 0; i < x.length; i++) {
            int c = i / plane % src.c();
            double sum = 0;
            for (int d = -(lrn.size() / 2); d <= (lrn.size() - 1) / 2; d++) {
                if (c + d >= 0 && c + d < src.c()) sum += x[i + d * plane] * x[i + d * plane];
            }
            y[i] = x[i] / Math.pow(lrn.k() + lrn.alpha() * sum, lrn.beta());
        }
        return y;
    }

    private double[] normalised(double[] x, Value value, Norm norm) {
        var gamma = numbers(norm.gamma());
        var beta = numbers(norm.beta());
        var mean = numbers(norm.mean());
        var variance = numbers(norm.variance());
        int plane = value.h() * value.w();
        var y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            int c = i / plane % value.c();
            y[i] = gamma[c] * (x[i] - mean[c]) / Math.sqrt(variance[c] + norm.eps()) + beta[c];
        }
        return y;
    }

    /** By the batch's own mean and biased variance. */
    private double[] standardised(double[] x, Value value, Norm norm) {
        var gamma = numbers(norm.gamma());
        var beta = numbers(norm.beta());
        int plane = value.h() * value.w(), count = value.n() * plane;
        var y = new double[x.length];
        for (int c = 0; c < value.c(); c++) {
            double mean = 0, variance = 0;
            for (int n = 0; n < value.n(); n++)
                for (int i = 0; i < plane; i++) mean += x[at(value, n, c, 0, i)] / count;
            for (int n = 0; n < value.n(); n++)
                for (int i = 0; i < plane; i++) variance += Math.pow(x[at(value, n, c, 0, i)] - mean, 2) / count;
            for (int n = 0; n < value.n(); n++)
                for (int i = 0; i < plane; i++) {
                    int at = at(value, n, c, 0, i);
                    y[at] = gamma[c] * (x[at] - mean) / Math.sqrt(variance + norm.eps()) + beta[c];
                }
        }
        return y;
    }

    private double[] numbers(Parameter parameter) {
        try (var arena = Arena.ofConfined()) {
            return doubles(parameters.floats(parameter, arena).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
        }
    }

    private static double[] apply(double[] values, Function function) {
        DoubleUnaryOperator each = switch (function) {
            case IDENTITY -> x -> x;
            case RELU -> x -> Math.max(x, 0);
            case TANH -> Math::tanh;
            case SIGMOID -> x -> 1 / (1 + Math.exp(-x));
        };
        for (int i = 0; i < values.length; i++) values[i] = each.applyAsDouble(values[i]);
        return values;
    }

    private static double[] doubles(float[] floats) {
        var doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) doubles[i] = floats[i];
        return doubles;
    }

    private static int at(Value value, int n, int c, int y, int x) {
        return ((n * value.c() + c) * value.h() + y) * value.w() + x;
    }
}
