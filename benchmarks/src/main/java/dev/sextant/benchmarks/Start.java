// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * What a user of the command line waits for and downloads: the time from the start of a {@code ./sextant classify} process to its
 * first line, and the size of the jars. Without {@code --weights} the network's parameters are random float32 ones in a safetensors
 * file, which lies in the page cache because it has just been written.
 */
@Command(name = "start", mixinStandardHelpOptions = true, showDefaultValues = true, sortOptions = false,
    description = "Time from process start to the first label of ./sextant classify, and the size of the jars.")
public final class Start implements Callable<Integer> {
    private static final double GOAL_SECONDS = 0.5, GOAL_MEGABYTES = 3;

    @Parameters(paramLabel = "NETWORK", arity = "0..1", defaultValue = "resnet50", description = "network")
    String network;

    @Option(names = "--home", paramLabel = "DIR", defaultValue = "${sys:sextant.home:-.}",
        description = "checkout with a built ./sextant")
    Path home;

    @Option(names = "--weights", paramLabel = "F", description = "weights (default: random ones)")
    Path weights;

    @Option(names = "--image", paramLabel = "F", description = "picture (default: a JPEG made for it, 500 x 375)")
    Path image;

    @Option(names = "--runs", defaultValue = "9", description = "processes to take the median of, after one that is not counted")
    int runs;

    public static void main(String[] arguments) {
        System.exit(Compare.execute(new Start(), arguments));
    }

    @Override
    public Integer call() throws Exception {
        var scratch = Files.createTempDirectory("sextant-");
        var file = scratch.resolve("weights.safetensors");
        var picture = scratch.resolve("grain.jpg");
        try {
            var known = Networks.named(network);
            if (weights == null) Footprint.write(known.name(), file);
            if (image == null) ImageIO.write(grain(), "jpeg", picture.toFile());
            start(known, weights == null ? file : weights, image == null ? picture : image);
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(picture);
            Files.delete(scratch);
        }
        size();
        return 0;
    }

    private void start(Network known, Path file, Path picture) throws IOException, InterruptedException {
        var command = List.of(home.resolve("sextant").toString(), "classify", picture.toString(), "--model", known.name(), "--weights",
            file.toString(), "--json");
        var system = ManagementFactory.getOperatingSystemMXBean();
        double load = system.getSystemLoadAverage();
        first(command);
        var times = new double[runs];
        for (int i = 0; i < runs; i++) times[i] = first(command);
        double median = Turns.median(times);
        System.out.printf(Locale.ROOT, "start to first label, %s, %.0f MB of weights in the page cache: median %.3f s, fastest %.3f s, "
            + "slowest %.3f s, load before %.1f (goal < %.1f s: %s)%n",
            known.name(), Files.size(file) / 1e6, median, Turns.percentile(times, 0),
            Turns.percentile(times, 100), load, GOAL_SECONDS, verdict(median, load > system.getAvailableProcessors()));
    }

    /** What other programs slow down may still meet the goal, but cannot be said to miss it. */
    static String verdict(double seconds, boolean busy) {
        return seconds < GOAL_SECONDS ? "met" : busy ? "undecided, the machine is busy" : "not met";
    }

    /** Seconds until the process has printed a line. */
    private static double first(List<String> command) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        var process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (var lines = process.inputReader()) {
            var line = lines.readLine();
            double seconds = (System.nanoTime() - begin) * 1e-9;
            while (lines.readLine() != null) {}
            int status = process.waitFor();
            if (line == null || status != 0) {
                throw new IllegalArgumentException("start: " + String.join(" ", command) + " ended with status " + status);
            }
            return seconds;
        }
    }

    /** Gradients with a little grain, as much work for a decoder as a photo. */
    private static BufferedImage grain() {
        var random = new Random(Case.SEED);
        var picture = new BufferedImage(500, 375, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < picture.getHeight(); y++) {
            for (int x = 0; x < picture.getWidth(); x++) {
                picture.setRGB(x, y, (x / 4 << 17 | y / 4 << 9 | (x + y) / 8) + random.nextInt(16) * 0x010101);
            }
        }
        return picture;
    }

    private void size() throws IOException {
        var target = home.resolve("java/target");
        try (var libraries = Files.list(target.resolve("lib"))) {
            var jars = Stream.concat(Stream.of(target.resolve("sextant.jar")), libraries)
                .filter(jar -> jar.toString().endsWith(".jar"));
            double own = 0, others = 0;
            for (var jar : jars.toList()) {
                if (jar.getFileName().toString().startsWith("sextant")) own += Files.size(jar) / 1e6;
                else others += Files.size(jar) / 1e6;
            }
            System.out.printf(Locale.ROOT, "jars: ours %.2f MB (goal < %.0f MB: %s), with the libraries they need %.2f MB%n", own,
                GOAL_MEGABYTES, own < GOAL_MEGABYTES ? "met" : "not met", own + others);
        }
    }
}
