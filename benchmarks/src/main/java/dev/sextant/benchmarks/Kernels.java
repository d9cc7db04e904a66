// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Predictor;
import dev.sextant.Predictor.Step;
import dev.sextant.models.Networks;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@link KernelBenchmark} over the layers of networks, each shape once, with the peers beside us: time, GFLOP/s, ratio. */
@Command(name = "kernels", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "Benchmarks kernels on the shapes that networks really use, with JMH.")
public final class Kernels implements Callable<Integer> {
    @Parameters(paramLabel = "NETWORK", description = "networks (default: alexnet vgg16 googlenet_2014 resnet50 densenet121 lenet5)")
    List<String> networks = List.of("alexnet", "vgg16", "googlenet_2014", "resnet50", "densenet121", "lenet5");

    @Option(names = "--batch", defaultValue = "1", description = "images")
    int batch;

    @Option(names = "--threads", defaultValue = "2", description = "threads")
    int threads;

    @Option(names = "--engines", split = ",", description = "engines (default: all on the class path)")
    List<String> engines = Engine.all().stream().map(Engine::name).toList();

    @Option(names = "--layer", paramLabel = "TEXT", defaultValue = "", description = "only layers with this in their name or operation")
    String layer;

    public static void main(String[] arguments) {
        System.exit(Compare.execute(new Kernels(), arguments));
    }

    @Override
    public Integer call() throws Exception {
        System.out.println("microseconds a run (JMH averages), GFLOP/s; then each peer's microseconds and how many times ours they are");
        System.out.println("ours has its fused tail and lies as within the network; a peer's is the layer alone, from NCHW to NCHW");
        for (var network : networks) {
            System.out.printf(Locale.ROOT, "%n%s, batch %d, %d threads%n", network, batch, threads);
            for (var step : steps(network)) compare(network, step);
        }
        return 0;
    }

    /** The network's convolutions, pools, normalisations and fully connected layers, each operation on each shape once. */
    private List<Step> steps(String name) {
        var network = Networks.named(name);
        try (var device = Device.cpu(threads); var model = Model.random(network, Case.SEED);
                var predictor = model.predictor(device, Predictor.Options.of(Case.of(network, batch, threads).shape()))) {
            var seen = new HashSet<String>();
            return predictor.steps().stream()
                .filter(step -> !step.operation().startsWith("reorder") && !step.operation().startsWith("flatten"))
                .filter(step -> step.name().contains(layer) || step.operation().contains(layer))
                .filter(step -> seen.add(operation(step) + step.output() + step.flops())).toList();
        }
    }

    /** Without the numbers that values have in one graph. */
    static String operation(Step step) {
        return step.operation().replaceAll("%\\d+", "residual");
    }

    private void compare(String network, Step step) throws Exception {
        var times = new ArrayList<Double>();
        for (var engine : engines) {
            var options = new OptionsBuilder().include(KernelBenchmark.class.getName() + ".run").verbosity(VerboseMode.SILENT)
                .jvmArgsAppend("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
                .param("network", network).param("layer", step.name())
                .param("batch", "" + batch).param("cores", "" + threads).param("engine", engine).build();
            var result = new Runner(options).run().stream().findFirst().map(RunResult::getPrimaryResult);
            times.add(result.orElseThrow(() -> new IllegalArgumentException(engine + " cannot run " + network + " " + step.name())).getScore());
        }
        System.out.printf(Locale.ROOT, "  %-34s %-36s %-16s %10.1f %8.1f GFLOP/s", step.name(), operation(step), step.output(),
            times.getFirst(), step.flops() / times.getFirst() * 1e-3);
        for (int i = 1; i < times.size(); i++) System.out.printf(Locale.ROOT, " %10.1f %6.2f", times.get(i), times.get(i) / times.getFirst());
        System.out.println();
    }
}
