// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.models.Networks;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sextant models}: the catalogue. */
@Command(
    name = "models",
    description = {
        "List the networks that --model takes.",
        "",
        "Parameters include the auxiliary heads of training; GFLOP are those of one image, a multiply-add counting as 2."
    },
    footer = "  sextant models")
final class Models implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        var table = new Table("NAME", ">INPUT", ">CLASSES", ">PARAMETERS", ">GFLOP", "PAPER", "WHAT IT IS");
        for (var entry : Networks.entries()) {
            var network = entry.network().get();
            table.add(entry.name(), network.input(), network.labels().size(), Table.count(network.trainable()),
                Table.number(network.layers().flops() / 1e9), entry.paper(), entry.family() + ": " + entry.about());
        }
        table.print(spec.commandLine().getOut());
        return 0;
    }
}
