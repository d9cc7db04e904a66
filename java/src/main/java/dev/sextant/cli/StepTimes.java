// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Precision;
import dev.sextant.Predictor;
import dev.sextant.Predictor.Step;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Pattern;

/**
 * How long each step of a network takes, the median of several runs, beside what the machine reaches at best.
 *
 * @param input n c h w
 * @param rows in the order of a run
 */
record StepTimes(String model, Shape input, Precision precision, Device.Info device, Device.Peak peak, int runs, List<Row> rows) {
    private static final int WARMUP = 3, FEWEST = 5, MOST = 1000;
    /** How long to measure where no number of runs is asked for. */
    private static final double SECONDS = 2;
    private static final Pattern ARITHMETIC = Pattern.compile("(f32|bf16|u8|s8|int8)_");
    private static final Pattern ISA = Pattern.compile("_(avx512_bf16|avx512|avx2|portable)$");
    private static final Pattern OPERAND = Pattern.compile("\\+ %\\d+");

    /**
     * A step.
     *
     * @param number from 1
     * @param share of the time of all steps
     * @param peak GFLOP/s that the machine reaches in this step's arithmetic
     */
    record Row(int number, Step step, double milliseconds, double share, double peak) {
        /** Zero where nothing is computed. */
        double gflopPerSecond() {
            return step.flops() / milliseconds / 1e6;
        }

        /** Beyond 1 where fewer multiplications than the direct sum's are done (Winograd), for the direct sum's are counted. */
        double ofPeak() {
            return gflopPerSecond() / peak;
        }

        double gbPerSecond() {
            return step.bytes() / milliseconds / 1e6;
        }

        /** Flops for each byte moved. */
        double intensity() {
            return (double) step.flops() / step.bytes();
        }

        boolean computes() {
            return step.flops() > 0 && step.bytes() > 0;
        }

        /** What does it, whatever the element type and the instruction set: {@code conv2d direct}. */
        String algorithm() {
            var name = ISA.matcher(step.implementation()).replaceFirst("");
            var arithmetic = ARITHMETIC.matcher(name);
            return (arithmetic.lookingAt() ? name.substring(arithmetic.end()) : name).replace('_', ' ');
        }

        /** The operation without the number of its second operand, which means nothing outside the graph. */
        String operation() {
            return OPERAND.matcher(step.operation()).replaceAll("+ residual");
        }
    }

    /** @param runs to take medians of, or 0 for as many as a few seconds allow */
    static StepTimes of(String model, Predictor predictor, Precision precision, Device device, int runs) {
        var before = device.measure();
        predictor.predict(noise(predictor.inputShape())); // stays there for the runs that follow
        for (int i = 1; i < WARMUP; i++) predictor.profile();
        var steps = predictor.steps();
        var times = new ArrayList<long[]>();
        long begin = System.nanoTime();
        while (runs > 0 ? times.size() < runs
            : times.size() < FEWEST || times.size() < MOST && System.nanoTime() - begin < SECONDS * 1e9) {
            times.add(predictor.profile().stream().mapToLong(Predictor.Timing::nanoseconds).toArray());
        }
        var medians = new double[steps.size()];
        for (int i = 0; i < medians.length; i++) {
            int step = i;
            medians[i] = new Timing(times.stream().mapToLong(run -> Math.max(1, run[step])).toArray()).milliseconds(0.5);
        }
        var peak = best(before, device.measure());
        double total = Arrays.stream(medians).sum();
        var rows = new ArrayList<Row>();
        for (int i = 0; i < medians.length; i++) {
            var step = steps.get(i);
            rows.add(new Row(i + 1, step, medians[i], medians[i] / total, peak(step, precision, device.info().kind(), peak)));
        }
        return new StepTimes(model, predictor.inputShape(), precision, device.info(), peak,
            times.size(), List.copyOf(rows));
    }

    /** What another program took away from one measurement it may have left to the other. */
    private static Device.Peak best(Device.Peak a, Device.Peak b) {
        return new Device.Peak(Math.max(a.fp32(), b.fp32()), Math.max(a.bf16(), b.bf16()), Math.max(a.int8(), b.int8()),
            Math.max(a.bandwidth(), b.bandwidth()));
    }

    /**
     * Kernels' names begin with the element type of their arithmetic; on a GPU those that multiply matrices have that of the precision.
     * TF32 passes through the tensor cores at half the rate of bfloat16.
     */
    private static double peak(Step step, Precision precision, Device.Kind kind, Device.Peak peak) {
        if (kind == Device.Kind.CUDA) {
            boolean multiplies = step.operation().startsWith("conv") || step.operation().startsWith("linear");
            return switch (precision) {
                case BF16, FP16 -> multiplies ? peak.bf16() : peak.fp32();
                case TF32 -> multiplies ? peak.bf16() / 2 : peak.fp32();
                case FP32, STRICT, INT8 -> peak.fp32();
            };
        }
        var arithmetic = ARITHMETIC.matcher(step.implementation());
        return switch (arithmetic.lookingAt() ? arithmetic.group(1) : "f32") {
            case "bf16" -> peak.bf16();
            case "u8", "s8", "int8" -> peak.int8();
            default -> peak.fp32();
        };
    }

    private static Tensor noise(Shape shape) {
        var random = new SplittableRandom(1);
        var values = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < values.length; i++) values[i] = (float) random.nextDouble(-2, 2);
        return Tensor.of(shape, values);
    }

    int batch() {
        return input.dim(0);
    }

    double milliseconds() {
        return rows.stream().mapToDouble(Row::milliseconds).sum();
    }

    double imagesPerSecond() {
        return batch() / milliseconds() * 1e3;
    }

    long flops() {
        return rows.stream().mapToLong(row -> row.step().flops()).sum();
    }

    long bytes() {
        return rows.stream().mapToLong(row -> row.step().bytes()).sum();
    }

    double gflopPerSecond() {
        return flops() / milliseconds() / 1e6;
    }

    double gbPerSecond() {
        return bytes() / milliseconds() / 1e6;
    }

    /** Of all steps together: the time that their arithmetic would take at its peaks, over the time taken. */
    double ofPeak() {
        return rows.stream().mapToDouble(row -> row.share() * row.ofPeak()).sum();
    }
}
