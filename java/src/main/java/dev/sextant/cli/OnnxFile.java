// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Model;
import dev.sextant.image.Labels;
import dev.sextant.models.Network;
import dev.sextant.onnx.Onnx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** A network that comes from an ONNX file, in place of one of the catalogue: the option that commands share. */
final class OnnxFile {
    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--onnx", paramLabel = "F", description = "An ONNX file, which is network and weights in one, in place of M.")
    private Path file;

    boolean isGiven() {
        return file != null;
    }

    /** The file's model, to be closed by the caller. @param labels names of its classes, or null */
    Model load(Path labels, Onnx.Options options) throws IOException {
        var named = labels == null ? null : Labels.read(Failure.readable(labels));
        var model = Onnx.load(Failure.readable(file), options);
        if (named == null) return model;
        try {
            return model.with(model.network().with(named.requireSize(model.network().labels().size())));
        } catch (Throwable e) {
            model.close();
            throw e;
        }
    }

    Model load() throws IOException {
        return load(null, Onnx.Options.DEFAULT);
    }

    /** Exactly one of the two: networks of the catalogue, or a file. */
    void requireInPlaceOf(List<Network> networks) {
        if (isGiven() == networks.isEmpty()) return;
        throw new ParameterException(spec.commandLine(), isGiven() ? "expects M or --onnx F, found both" : "Missing required parameter: 'M', a network, or --onnx F");
    }
}
