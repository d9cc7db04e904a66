// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.Precision;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import dev.sextant.nn.Dropout;
import dev.sextant.nn.Nn;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Every engine that trains on the same networks, weights and pictures, taking turns within one run: whole steps of forward, loss, backward
 * and optimizer, pictures in memory. Prints medians and the ratio of ours to the best of the peers' ways beside the {@link Targets target}.
 * Before that, two steps of each without dropout, whose random numbers differ: where the first loss differs too, or what the first step
 * gains on it, nothing is timed.
 */
@Command(name = "train", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "Compares the engines on training steps, interleaved in one run.")
public final class Train implements Callable<Integer> {
    private static final double LARGEST_DIFFERENCE = 1e-4;
    /** Of what the first step gains: deep networks make much of the last bits of a gradient. */
    private static final double LARGEST_DIFFERENCE_OF_GAIN = 0.02;

    @Parameters(paramLabel = "NETWORK", description = "networks (default: those with a target)")
    List<String> networks = Targets.networks();

    @Option(names = "--batch", description = "batch size (default: 16, 64 for lenet5)")
    Integer batch;

    @Option(names = "--threads", defaultValue = "2", description = "threads")
    int threads;

    @Option(names = "--precision", defaultValue = "fp32", description = "ours: fp32, strict or another; the peers' is float32")
    String precision;

    @Option(names = "--engines", split = ",", description = "engines (default: all on the class path)")
    List<String> engines = TrainingEngine.all().stream().map(TrainingEngine::name).toList();

    @Option(names = "--seconds", defaultValue = "10", description = "measuring time of one case, all engines together")
    double seconds;

    @Option(names = "--json", description = "one JSON line a network and engine instead of the table")
    boolean json;

    public static void main(String[] arguments) {
        System.exit(Compare.execute(new Train(), arguments));
    }

    /** The batch that a network's target is meant for. */
    static int batch(Network network) {
        return network.name().equals("lenet5") ? 64 : 16;
    }

    @Override
    public Integer call() throws Exception {
        var taking = engines.stream().map(Train::named).toList();
        if (!json) {
            System.out.println("training steps: " + String.join(", ", taking.stream().map(TrainingEngine::title).toList())
                + "; images/s from medians");
            System.out.printf("%-16s %5s %7s", "network", "batch", "threads");
            taking.forEach(engine -> System.out.printf(" %12s", engine.name()));
            System.out.println(taking.size() > 1 ? "   ratio  target   losses differ" : "");
        }
        boolean agree = true;
        for (var name : networks) {
            var network = Networks.named(name);
            var problem = Case.of(network, batch == null ? batch(network) : batch, threads).with(Precision.parse(precision));
            agree &= compare(problem, taking);
        }
        return agree ? 0 : 1;
    }

    private static TrainingEngine named(String name) {
        return TrainingEngine.all().stream().filter(engine -> engine.name().equals(name)).findFirst()
            .orElseThrow(() -> new IllegalArgumentException("engine '" + name
                + "' is not on the class path or does not train: build the benchmarks with -P peers, or choose among "
                + TrainingEngine.all().stream().map(TrainingEngine::name).toList()));
    }

    private boolean compare(Case problem, List<TrainingEngine> taking) throws Exception {
        var losses = firstLosses(withoutDropout(problem), taking);
        double difference = losses.stream().mapToDouble(theirs -> difference(theirs, losses.getFirst())).max().orElse(0);
        if (!losses.stream().allMatch(theirs -> agree(theirs, losses.getFirst()))) {
            System.err.println(problem.network().name() + ": not compared, for the losses of the first steps differ: "
                + losses.stream().map(Arrays::toString).toList());
            return false;
        }
        var sessions = new ArrayList<Engine.Session>();
        try {
            for (var engine : taking) sessions.add(engine.open(problem));
            report(problem, taking, Turns.measure(sessions, seconds), difference);
        } finally {
            for (var session : sessions) session.close();
        }
        return true;
    }

    /** Of the first steps, engine by engine, each closed before the next: the largest networks' training takes gigabytes. */
    private static List<double[]> firstLosses(Case problem, List<TrainingEngine> taking) throws Exception {
        var losses = new ArrayList<double[]>();
        for (var engine : taking) {
            try (var session = engine.open(problem)) {
                losses.add(firstLosses(session));
            }
        }
        return losses;
    }

    /** Before the first step and after it. */
    static double[] firstLosses(Engine.Session session) throws Exception {
        var losses = new double[2];
        for (int i = 0; i < losses.length; i++) {
            session.run();
            losses[i] = session.output()[0];
        }
        return losses;
    }

    /** Of the first losses, relative. */
    static double difference(double[] theirs, double[] ours) {
        return Math.abs(theirs[0] - ours[0]) / Math.abs(ours[0]);
    }

    /** Whether both computed the same, and changed the parameters alike. */
    static boolean agree(double[] theirs, double[] ours) {
        double gain = ours[0] - ours[1], least = LARGEST_DIFFERENCE * Math.abs(ours[0]);
        return difference(theirs, ours) <= LARGEST_DIFFERENCE
            && Math.abs(theirs[0] - theirs[1] - gain) <= LARGEST_DIFFERENCE_OF_GAIN * Math.abs(gain) + least;
    }

    private void report(Case problem, List<TrainingEngine> taking, List<double[]> times, double difference) {
        var medians = times.stream().mapToDouble(Turns::median).toArray();
        double best = IntStream.range(1, medians.length).mapToDouble(i -> medians[i]).min().orElse(medians[0]);
        if (json) {
            for (int i = 0; i < medians.length; i++) {
                System.out.printf(Locale.ROOT, "{\"model\":\"%s\",\"mode\":\"train\",\"batch\":%d,\"threads\":%d,\"precision\":\"%s\",\"engine\":\"%s\","
                    + "\"images_per_second\":%.2f,\"ms_median\":%.4f,\"ms_min\":%.4f,\"ratio\":%.3f,\"losses_differ\":%.2e}%n",
                    problem.network().name(), problem.batch(), problem.threads(), i == 0 ? problem.precision() : Precision.FP32,
                    taking.get(i).title(), problem.batch() / medians[i], medians[i] * 1e3,
                    Arrays.stream(times.get(i)).min().orElse(0) * 1e3, best / medians[0], difference);
            }
            return;
        }
        System.out.printf(Locale.ROOT, "%-16s %5d %7d", problem.network().name(), problem.batch(), problem.threads());
        for (double median : medians) System.out.printf(Locale.ROOT, " %12.1f", problem.batch() / median);
        if (medians.length > 1) {
            var target = Targets.training(problem);
            System.out.printf(Locale.ROOT, "   %5.2f  %6s   %.1e", best / medians[0], target.isEmpty() ? "-" : target.getAsDouble(),
                difference);
        }
        System.out.println();
    }

    static Case withoutDropout(Case problem) {
        var body = problem.network().body().replacingLeaves(leaf -> leaf instanceof Dropout ? Nn.identity() : leaf);
        return new Case(problem.network().with(body), problem.shape(), problem.threads(), problem.precision());
    }
}
