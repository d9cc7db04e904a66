// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Tensor;
import dev.sextant.models.LeNet5;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/**
 * What a short command gets done on a second core while the first reads the command line: most of the time from a process's
 * start to its first label is that of loading classes and linking the kernels.
 */
final class Preparation {
    private static final Set<String> COMMANDS = Set.of("classify", "forward");

    private Preparation() {}

    /** Begins, if the first of {@code words} is a command that runs a network once or a few times, and there is a core to spare. */
    static void begin(String... words) {
        if (words.length > 0 && COMMANDS.contains(words[0]) && Runtime.getRuntime().availableProcessors() > 1) {
            start(Preparation::rehearse);
        }
    }

    /** {@code task}, begun on a thread of its own; its result waits there. */
    static <T> FutureTask<T> ahead(Callable<T> task) {
        var future = new FutureTask<>(task);
        start(future);
        return future;
    }

    private static void start(Runnable work) {
        Thread.ofPlatform().daemon().name("sextant-prepare").start(work);
    }

    /** The whole way from a description to a result, with the smallest network. */
    private static void rehearse() {
        var network = LeNet5.lenet5Relu();
        try (var device = Device.cpu(1); var model = Model.random(network, 1); var predictor = model.predictor(device)) {
            predictor.predict(Tensor.of(predictor.inputShape(), new float[(int) predictor.inputShape().elements()]));
        } catch (RuntimeException | Error _) {
            // The command itself will meet whatever this is, and say it.
        }
    }
}
