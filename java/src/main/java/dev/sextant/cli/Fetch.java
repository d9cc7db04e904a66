// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.io.Download;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant fetch}: the only command that uses the network. */
@Command(
    name = "fetch",
    description = {
        "Download a file, such as weights, and check that it is the right one.",
        "",
        "What was interrupted goes on where it stopped: until the file is whole and its checksum right, it is called F.part. "
            + "No other command downloads anything."
    },
    footer = "  sextant fetch https://download.pytorch.org/models/resnet18-f37072fd.pth --sha256 "
        + "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec --output resnet18.pth")
final class Fetch implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "URL", description = "Where the file is, https or http.")
    private URI url;

    @Option(names = "--sha256", required = true, paramLabel = "H", description = "SHA-256 of the whole file: 64 hexadecimal digits.")
    private String sha256;

    @Option(names = "--output", paramLabel = "F", description = "Where it goes; here, under the address's last name, if not given.")
    private Path output;

    @Override
    public Integer call() throws IOException {
        var file = output == null ? Path.of(name()) : output;
        boolean hasTerminal = System.console() != null && System.console().isTerminal();
        var style = Bar.in(System.err.charset()) == Bar.BLOCKS ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII;
        var bar = hasTerminal ? new ProgressBarBuilder().setTaskName(file.getFileName().toString()).setUnit(" MB", 1_000_000)
            .setUpdateIntervalMillis(200).setStyle(style).clearDisplayOnFinish().setInitialMax(-1).build() : null;
        boolean fetched;
        try {
            fetched = Download.fetch(url, sha256, file, (bytes, total) -> tell(bar, bytes, total));
        } finally {
            if (bar != null) bar.close();
        }
        spec.commandLine().getOut().println(file + (fetched ? ": here, and its SHA-256 is right"
            : ": was here already, and its SHA-256 is right"));
        return 0;
    }

    private static void tell(ProgressBar bar, long bytes, long total) {
        if (bar == null) return;
        bar.maxHint(total);
        bar.stepTo(bytes);
    }

    /** The last part of the address's path, where it can be the name of a file in this folder. */
    private String name() {
        var path = url.getPath() == null ? "" : url.getPath();
        var name = path.substring(path.lastIndexOf('/') + 1);
        if (name.isBlank() || name.startsWith(".") || name.matches(".*[\\\\:\\p{Cntrl}].*")) {
            throw new ParameterException(spec.commandLine(), "expects --output F, the address's last part '"
                + name.replaceAll("\\p{Cntrl}", "?") + "' is no name for a file");
        }
        return name;
    }
}
