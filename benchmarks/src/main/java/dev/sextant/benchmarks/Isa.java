// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.Predictor;
import dev.sextant.Predictor.Step;
import dev.sextant.models.Networks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * How near the direct convolutions come to the multiply-add peak of an instruction set. The library reads {@code SEXTANT_ISA} as it
 * is loaded, so each instruction set runs in a Java process of its own. A shape's time is its fastest within whole runs of the
 * network, the peak the highest of those measured between the runs. On a busy machine a short layer still finds its core free now
 * and then, the longer measurement of the peak does not, and shares come out too high: then no verdict is given.
 */
@Command(name = "isa", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "GFLOP/s of a network's direct convolutions against the peak of each instruction set.")
public final class Isa implements Callable<Integer> {
    private static final String CHILD = "--child";
    private static final double GOAL = 0.85;
    private static final int FEWEST_RUNS = 5, WARM_UP = 3, PEAKS = 8;

    @Parameters(paramLabel = "NETWORK", description = "networks (default: vgg16 resnet50 googlenet)")
    List<String> networks = List.of("vgg16", "resnet50", "googlenet");

    @Option(names = "--isa", split = ",", defaultValue = "avx2,avx512", description = "instruction sets: avx2, avx512, portable")
    List<String> sets;

    @Option(names = "--batch", defaultValue = "1", description = "images")
    int batch;

    @Option(names = "--threads", defaultValue = "1", description = "threads")
    int threads;

    @Option(names = "--seconds", defaultValue = "5", description = "measuring time of one network and instruction set")
    double seconds;

    @Option(names = CHILD, hidden = true, description = "measures in this process, with the instruction set it was started with")
    boolean child;

    public static void main(String[] arguments) {
        System.exit(Compare.execute(new Isa(), arguments));
    }

    @Override
    public Integer call() throws Exception {
        if (child) {
            for (var network : networks) measure(network);
            return 0;
        }
        for (var set : sets) {
            var arguments = new ArrayList<>(List.of(CHILD, "--isa", set, "--batch", "" + batch, "--threads", "" + threads,
                "--seconds", "" + seconds));
            arguments.addAll(networks);
            Fork.java(Isa.class, List.of(), Map.of("SEXTANT_ISA", set), arguments);
        }
        return 0;
    }

    /** One shape of a convolution: the time that the fastest run took for it. */
    private record Shape(Step step, long nanoseconds) {
        double gflops() {
            return (double) step.flops() / nanoseconds;
        }
    }

    private void measure(String name) {
        var network = Networks.named(name);
        var options = Predictor.Options.of(Case.of(network, batch, threads).shape()).withPrecision(Precision.STRICT);
        try (var device = Device.cpu(threads); var model = Model.random(network, Case.SEED);
                var predictor = model.predictor(device, options)) {
            var fastest = new long[predictor.steps().size()];
            Arrays.fill(fastest, Long.MAX_VALUE);
            for (int i = 0; i < WARM_UP; i++) predictor.profile();
            var peaks = new double[PEAKS];
            for (int part = 0; part < PEAKS; part++) {
                peaks[part] = device.measure().fp32();
                long begin = System.nanoTime();
                for (int run = 0; run < FEWEST_RUNS || System.nanoTime() - begin < seconds / PEAKS * 1e9; run++) {
                    var timings = predictor.profile();
                    for (int i = 0; i < fastest.length; i++) fastest[i] = Math.min(fastest[i], timings.get(i).nanoseconds());
                }
            }
            report(name, device, peaks, IntStream.range(0, fastest.length)
                .mapToObj(i -> new Shape(predictor.steps().get(i), fastest[i]))
                .filter(shape -> shape.step().implementation().contains("conv2d")).toList());
        }
    }

    private void report(String network, Device device, double[] peaks, List<Shape> layers) {
        if (!device.info().isaName().equals(sets.getFirst())) {
            throw new IllegalArgumentException("isa: expects " + sets.getFirst() + ", found that this processor or build gives "
                + device.info().isaName());
        }
        double peak = Turns.percentile(peaks, 100);
        System.out.printf(Locale.ROOT, "%n%s, %s, batch %d, %d thread%s, peak %.1f GFLOP/s%n", network, device.info().isaName(),
            batch, threads, threads == 1 ? "" : "s", peak);
        System.out.printf("  %-34s %-40s %-16s %9s %8s %8s  %s%n", "layer", "operation", "output", "us", "GFLOP/s",
            "of peak", "kernel");
        var shapes = new HashMap<String, Shape>();
        for (var layer : layers) {
            var step = layer.step();
            shapes.merge(Kernels.operation(step) + step.output() + step.flops() + step.implementation(), layer,
                (a, b) -> a.nanoseconds() <= b.nanoseconds() ? a : b);
        }
        layers.stream().filter(shapes::containsValue).forEach(shape -> System.out.printf(Locale.ROOT,
            "  %-34s %-40s %-16s %9.1f %8.1f %7.0f%%  %s%n", shape.step().name(), Kernels.operation(shape.step()),
            shape.step().output(), shape.nanoseconds() / 1e3, shape.gflops(), 100 * shape.gflops() / peak, shape.step().implementation()));
        long flops = layers.stream().mapToLong(layer -> layer.step().flops()).sum();
        long nanoseconds = layers.stream().mapToLong(Shape::nanoseconds).sum();
        long reach = shapes.values().stream().filter(shape -> shape.gflops() >= GOAL * peak).count();
        double share = flops / (nanoseconds * peak);
        double highest = layers.stream().mapToDouble(Shape::gflops).max().orElse(0);
        boolean settled = isSettled(peaks, highest);
        System.out.printf(Locale.ROOT,
            "  all %d together: %.1f GFLOP/s, %.0f%% of the peak (goal %.0f%%: %s); %d of %d shapes reach it%n",
            layers.size(), (double) flops / nanoseconds, 100 * share, 100 * GOAL,
            !settled ? "undecided" : share >= GOAL ? "met" : "not met", reach, shapes.size());
        if (!settled) {
            System.out.printf(Locale.ROOT, "  the machine is busy: measurements of the peak lie between %.1f and %.1f GFLOP/s, a layer "
                + "reached %.1f; the shares are too high, measure again when it is quiet%n", Turns.percentile(peaks, 0), peak, highest);
        }
    }

    /** Whether measurements of the peak agree with each other, and no direct sum was faster than they say is possible. */
    static boolean isSettled(double[] peaks, double fastest) {
        double peak = Turns.percentile(peaks, 100);
        return Turns.median(peaks) >= 0.95 * peak && fastest <= peak;
    }
}
