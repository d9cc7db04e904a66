// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.data.Dataset;
import dev.sextant.io.FormatException;
import dev.sextant.models.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Which network a command works with and on which data set, and where this lies. */
final class DataPlace {
    private static final String VARIABLE = "SEXTANT_DATA";
    private static final List<String> KNOWN = List.of("mnist", "cifar10");

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "M", converter = NetworkConverter.class,
        description = "Network, one of those that 'sextant models' lists.")
    private Network network;

    @Parameters(index = "1", paramLabel = "DATA",
        description = "mnist or cifar10, a folder of that name; or the path of a data set: a folder train/CLASS/*.jpg beside "
            + "test/ or val/, MNIST's IDX files, CIFAR-10's binary records or tars of pictures.")
    private String data;

    @Option(names = "--data", paramLabel = "DIR",
        description = "The folder in which DATA lies; if not given what the variable " + VARIABLE + " names, else this folder.")
    private Path folder;

    Network network() {
        return network;
    }

    /** As it was asked for. */
    String name() {
        return data;
    }

    Dataset open(Dataset.Split split) throws IOException {
        return Dataset.open(find(), split);
    }

    /** The test part, or null where there is none but the training part. */
    Dataset openTestIfThere() throws IOException {
        try {
            return open(Dataset.Split.TEST);
        } catch (FormatException e) {
            if (Files.isDirectory(find())) throw e;
            return null;
        }
    }

    /** The network with as many outputs as the data has classes, called as these are. */
    Network fitted(Dataset data) {
        var sized = network.labels().size() == data.labels().size() ? network : network.classes(data.labels().size());
        return sized.with(data.labels());
    }

    private Path find() throws IOException {
        var places = new ArrayList<Path>();
        if (folder != null) {
            places.add(folder.resolve(data));
            if (KNOWN.contains(data)) places.add(folder);
        } else {
            places.add(Path.of(data));
            var variable = System.getenv(VARIABLE);
            if (variable != null && !variable.isBlank()) places.add(Path.of(variable).resolve(data));
        }
        for (var place : places) {
            if (Files.exists(place)) return place;
        }
        if (folder == null && KNOWN.contains(data)) {
            throw new NoSuchFileException(data, null, "expects a folder of this name here, or where --data or the variable "
                + VARIABLE
                + " points, found none");
        }
        throw new NoSuchFileException(places.getFirst().toString());
    }
}
