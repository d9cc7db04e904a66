// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Precision;
import dev.sextant.models.Networks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Every engine on the class path on the same networks, taking turns within one run: machines drift, so only times measured side by side
 * are compared. Prints medians and the ratio of ours to the best of the peers' beside the {@link Targets target}; also how far the logits
 * of the engines lie apart. The peers always compute in float32.
 */
@Command(name = "compare", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "Compares the engines on whole networks, interleaved in one run.")
public final class Compare implements Callable<Integer> {
    @Parameters(paramLabel = "NETWORK", description = "networks (default: those with a target)")
    List<String> networks = Targets.networks();

    @Option(names = "--batch", split = ",", defaultValue = "1,16", description = "batch sizes")
    List<Integer> batches;

    @Option(names = "--threads", split = ",", defaultValue = "2", description = "threads")
    List<Integer> threads;

    @Option(names = "--precision", defaultValue = "fp32", description = "ours: fp32, strict or another; the peers' is float32")
    String precision;

    @Option(names = "--engines", split = ",", description = "engines (default: all on the class path)")
    List<String> engines = Engine.all().stream().map(Engine::name).toList();

    @Option(names = "--seconds", defaultValue = "6", description = "measuring time of one case, all engines together")
    double seconds;

    @Option(names = "--json", description = "one JSON line a case and engine instead of the table")
    boolean json;

    public static void main(String[] arguments) {
        System.exit(execute(new Compare(), arguments));
    }

    /** Runs a command; what goes wrong is one line, as on Sextant's own command line. */
    static int execute(Object command, String[] arguments) {
        return new CommandLine(command).setExecutionExceptionHandler((e, line, _) -> {
            line.getErr().println(line.getCommandName() + ": " + (e instanceof IllegalArgumentException ? e.getMessage() : e));
            return 1;
        }).execute(arguments);
    }

    @Override
    public Integer call() throws Exception {
        var taking = engines.stream().map(Engine::named).toList();
        if (!json) {
            System.out.println("engines: " + String.join(", ", taking.stream().map(Engine::title).toList()) + "; images/s from medians");
            System.out.printf("%-16s %5s %7s", "network", "batch", "threads");
            taking.forEach(engine -> System.out.printf(" %12s", engine.name()));
            System.out.println(taking.size() > 1 ? "   ratio  target   logits differ" : "");
        }
        for (var network : networks) {
            for (int batch : batches) {
                for (int count : threads) {
                    compare(Case.of(Networks.named(network), batch, count).with(Precision.parse(precision)), taking);
                }
            }
        }
        return 0;
    }

    private void compare(Case problem, List<Engine> taking) throws Exception {
        var sessions = new ArrayList<Engine.Session>();
        try {
            for (var engine : taking) sessions.add(engine.open(problem));
            var times = Turns.measure(sessions, seconds);
            var medians = times.stream().mapToDouble(Turns::median).toArray();
            report(problem, taking, sessions, times, medians);
        } finally {
            for (var session : sessions) session.close();
        }
    }

    private void report(Case problem, List<Engine> taking, List<Engine.Session> sessions, List<double[]> times, double[] medians)
            throws Exception {
        double difference = difference(sessions);
        double best = IntStream.range(1, medians.length).mapToDouble(i -> medians[i]).min().orElse(medians[0]);
        if (json) {
            for (int i = 0; i < medians.length; i++) {
                System.out.printf(Locale.ROOT, "{\"model\":\"%s\",\"batch\":%d,\"threads\":%d,\"precision\":\"%s\",\"engine\":\"%s\",\"images_per_second\":%.2f,"
                    + "\"ms_median\":%.4f,\"ms_min\":%.4f,\"ratio\":%.3f,\"logits_differ\":%.2e}%n",
                    problem.network().name(), problem.batch(), problem.threads(), i == 0 ? problem.precision() : Precision.FP32,
                    taking.get(i).title(), problem.batch() / medians[i],
                    medians[i] * 1e3, Arrays.stream(times.get(i)).min().orElse(0) * 1e3, best / medians[0], difference);
            }
            return;
        }
        System.out.printf(Locale.ROOT, "%-16s %5d %7d", problem.network().name(), problem.batch(), problem.threads());
        for (double median : medians) System.out.printf(Locale.ROOT, " %12.1f", problem.batch() / median);
        if (medians.length > 1) {
            var target = Targets.of(problem);
            System.out.printf(Locale.ROOT, "   %5.2f  %6s   %.1e", best / medians[0], target.isEmpty() ? "-" : target.getAsDouble(),
                difference);
        }
        System.out.println();
    }

    /** Largest difference of logits between the first engine and any other, relative to the largest logit. */
    private static double difference(List<Engine.Session> sessions) throws Exception {
        double largest = 0, apart = 0;
        var ours = sessions.getFirst().output();
        for (var session : sessions) {
            var theirs = session.output();
            for (int i = 0; i < ours.length; i++) {
                largest = Math.max(largest, Math.abs(theirs[i]));
                apart = Math.max(apart, Math.abs(ours[i] - theirs[i]));
            }
        }
        return apart / largest;
    }
}
