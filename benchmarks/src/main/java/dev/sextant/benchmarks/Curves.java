// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Precision;
import dev.sextant.Shape;
import dev.sextant.models.Networks;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Images per second over the batch size, and over the resolution: every engine in turns. */
@Command(name = "curves", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "Images per second of each engine over batch size and resolution, interleaved in one run.")
public final class Curves implements Callable<Integer> {
    @Parameters(paramLabel = "NETWORK", arity = "1..*", description = "networks")
    List<String> networks;

    @Option(names = "--batch", split = ",", defaultValue = "1,2,4,8,16,32,64", description = "batch sizes, at the network's own size")
    List<Integer> batches;

    @Option(names = "--size", split = ",", defaultValue = "112,160,224,320,448", description = "heights and widths, at batch 1")
    List<Integer> sizes;

    @Option(names = "--threads", defaultValue = "2", description = "threads")
    int threads;

    @Option(names = "--precision", defaultValue = "fp32", description = "ours; the peers' is float32")
    String precision;

    @Option(names = "--seconds", defaultValue = "3", description = "measuring time of one point, all engines together")
    double seconds;

    @Option(names = "--csv", paramLabel = "FILE", description = "writes the points to a file as well")
    Path csv;

    public static void main(String[] arguments) {
        System.exit(Compare.execute(new Curves(), arguments));
    }

    @Override
    public Integer call() throws Exception {
        var engines = Engine.all();
        try (var points = csv == null ? null : new PrintWriter(Files.newBufferedWriter(csv))) {
            if (points != null) points.println("network,batch,size,threads,engine,images_per_second");
            System.out.printf("%-16s %5s %5s", "network", "batch", "size");
            engines.forEach(engine -> System.out.printf(" %12s", engine.name()));
            System.out.println();
            for (var name : networks) {
                var network = Networks.named(name);
                int size = network.input().dim(1), channels = network.input().dim(0);
                for (int batch : batches) point(engines, new Case(network, Shape.of(batch, channels, size, network.input().dim(2)),
                    threads, Precision.parse(precision)), points);
                for (int edge : sizes) {
                    point(engines, new Case(network, Shape.of(1, channels, edge, edge), threads, Precision.parse(precision)), points);
                }
            }
        }
        return 0;
    }

    /** An engine that cannot do a size, for want of an operation, shows a dash. */
    private void point(List<Engine> engines, Case problem, PrintWriter points) throws Exception {
        var sessions = new ArrayList<Engine.Session>();
        var able = new ArrayList<Engine>();
        try {
            for (var engine : engines) {
                try {
                    sessions.add(engine.open(problem));
                    able.add(engine);
                } catch (IllegalArgumentException _) {
                    // the dash says it
                }
            }
            var times = Turns.measure(sessions, seconds);
            System.out.printf("%-16s %5d %5d", problem.network().name(), problem.batch(), problem.shape().dim(2));
            for (var engine : engines) {
                int i = able.indexOf(engine);
                double rate = i < 0 ? Double.NaN : problem.batch() / Turns.median(times.get(i));
                System.out.print(i < 0 ? String.format(" %12s", "-") : String.format(Locale.ROOT, " %12.1f", rate));
                if (points != null && i >= 0) {
                    points.printf(Locale.ROOT, "%s,%d,%d,%d,%s,%.2f%n", problem.network().name(), problem.batch(),
                        problem.shape().dim(2), threads, engine.name(), rate);
                }
            }
            System.out.println();
        } finally {
            for (var session : sessions) session.close();
        }
    }
}
