// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.Predictor;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Networks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Resident memory of a process that loads a network's weights from a file and classifies, against what nobody can do without: the
 * weights and the largest activations that live at once. Each network runs in a Java process of its own; what such a process holds
 * before it loads anything is subtracted and shown.
 */
@Command(name = "footprint", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "Resident memory of a predictor against weights and largest activations.")
public final class Footprint implements Callable<Integer> {
    private static final String CHILD = "--child";

    @Parameters(paramLabel = "NETWORK", description = "networks (default: those with a target)")
    List<String> networks = Targets.networks();

    @Option(names = "--precision", split = ",", defaultValue = "strict,fp32", description = "precisions")
    List<String> precisions;

    @Option(names = CHILD, hidden = true, paramLabel = "WEIGHTS", description = "measures this process")
    Path weights;

    public static void main(String[] arguments) {
        System.exit(Compare.execute(new Footprint(), arguments));
    }

    @Override
    public Integer call() throws Exception {
        if (weights != null) {
            measure();
            return 0;
        }
        System.out.printf("%-16s %-8s %12s %12s %12s %12s %7s%n", "network", "precision", "weights MB", "activations", "held MB",
            "JVM alone", "ratio");
        for (var network : networks) {
            var file = Files.createTempFile("sextant-", ".safetensors");
            try {
                write(network, file);
                for (var precision : precisions) fork(network, precision, file);
            } finally {
                Files.delete(file);
            }
        }
        return 0;
    }

    /** Random weights of a network as a safetensors file. */
    static void write(String network, Path file) throws IOException {
        var tensors = new LinkedHashMap<String, Tensor>();
        try (var model = Model.random(Networks.named(network), Case.SEED); var arena = Arena.ofConfined()) {
            var parameters = model.parameters();
            for (var parameter : SextantEngine.graph(Case.of(Networks.named(network), 1, 1)).parameters().values()) {
                tensors.put(parameter.key(), Tensor.of(parameter.shape(), parameters.floats(parameter, arena)));
            }
            Safetensors.write(file, tensors, Map.of());
        }
    }

    private static void fork(String network, String precision, Path file) throws IOException, InterruptedException {
        Fork.java(Footprint.class, List.of("-XX:+UseSerialGC", "-Xmx64m"), Map.of(),
            List.of(network, "--precision", precision, CHILD, file.toString()));
    }

    /** In the child: before, and after some runs. */
    private void measure() throws IOException {
        Device.cpu();
        System.gc();
        long alone = resident();
        var network = Networks.named(networks.getFirst());
        var shape = Shape.of(1, network.input().dim(0), network.input().dim(1), network.input().dim(2));
        try (var model = Model.load(network, weights);
             var predictor = model.predictor(Device.cpu(),
                 Predictor.Options.of(shape).withPrecision(Precision.parse(precisions.getFirst())))) {
            var input = Tensor.of(shape, Case.input(shape));
            for (int i = 0; i < 5; i++) predictor.predict(input);
            System.gc();
            long held = resident() - alone, file = Files.size(weights);
            long activations = predictor.graph().storage().largestLiveBytes();
            System.out.printf(Locale.ROOT, "%-16s %-8s %12.1f %12.1f %12.1f %12.1f %7.2f%n", network.name(), precisions.getFirst(),
                file / 1e6, activations / 1e6, held / 1e6, alone / 1e6, held / (double) (file + activations));
        }
    }

    /** Bytes of this process that lie in memory, mapped files included. */
    private static long resident() throws IOException {
        for (var line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
        }
        throw new IllegalStateException("footprint: /proc/self/status has no line VmRSS");
    }
}
