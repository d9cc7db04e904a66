// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Precision;
import dev.sextant.models.Networks;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** How long one picture takes, and how far the slow ones lie from the median: every engine in turns. */
@Command(name = "latency", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "The distribution of batch-1 times of each engine, interleaved in one run.")
public final class Latency implements Callable<Integer> {
    @Parameters(paramLabel = "NETWORK", arity = "1..*", description = "networks")
    List<String> networks;

    @Option(names = "--threads", defaultValue = "2", description = "threads")
    int threads;

    @Option(names = "--precision", defaultValue = "fp32", description = "ours; the peers' is float32")
    String precision;

    @Option(names = "--seconds", defaultValue = "20", description = "measuring time of one network, all engines together")
    double seconds;

    public static void main(String[] arguments) {
        System.exit(Compare.execute(new Latency(), arguments));
    }

    @Override
    public Integer call() throws Exception {
        System.out.printf("%-16s %-40s %7s %9s %9s %9s %9s%n", "network", "engine", "runs", "p50 ms", "p90 ms", "p99 ms", "max ms");
        for (var network : networks) {
            var problem = Case.of(Networks.named(network), 1, threads).with(Precision.parse(precision));
            var engines = Engine.all();
            var sessions = new ArrayList<Engine.Session>();
            try {
                for (var engine : engines) sessions.add(engine.open(problem));
                var times = Turns.measure(sessions, seconds);
                for (int i = 0; i < engines.size(); i++) {
                    var t = times.get(i);
                    System.out.printf(Locale.ROOT, "%-16s %-40s %7d %9.3f %9.3f %9.3f %9.3f%n", network, engines.get(i).title(),
                        t.length, Turns.percentile(t, 50) * 1e3, Turns.percentile(t, 90) * 1e3, Turns.percentile(t, 99) * 1e3,
                        Turns.percentile(t, 100) * 1e3);
                }
            } finally {
                for (var session : sessions) session.close();
            }
        }
        return 0;
    }
}
