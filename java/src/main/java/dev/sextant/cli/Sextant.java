// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The command line. Results go to standard output; what went wrong is one line on standard error and an exit status: 1 where the
 * command failed, 2 where it was misspelt.
 */
@Command(
    name = "sextant",
    scope = ScopeType.INHERIT, // every command has --help, --version and the layout of this page
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    usageHelpWidth = 100,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Classic convolutional networks on this machine's own instructions.",
    descriptionHeading = "%n",
    parameterListHeading = "%n",
    optionListHeading = "%n",
    commandListHeading = "%nCommands:%n",
    footerHeading = "%nExample:%n",
    footer = {
        "  sextant classify cat.jpg --model resnet50 --weights resnet50.safetensors",
        "%nExit status: 0 if all went well, 1 if not, 2 if the command line makes no sense."
    })
public final class Sextant implements Callable<Integer> {
    private static final List<Class<?>> COMMANDS = List.of(Classify.class, Train.class, Evaluate.class, Gradients.class, Forward.class,
        Calibrate.class, Convert.class, Fetch.class, Bench.class, Profile.class, Summary.class, Models.class, Devices.class);

    @Spec
    private CommandSpec spec;

    Sextant() {}

    /** Runs one command and ends the process with its exit status. */
    public static void main(String[] args) {
        Preparation.begin(args);
        System.exit(run(commandLine(args), args));
    }

    /** Runs one command; what even picocli lets through, such as a library that does not load, is told like any other error. */
    static int run(CommandLine line, String... args) {
        try {
            return line.execute(args);
        } catch (Throwable e) {
            return Failure.report(line.getErr(), e);
        }
    }

    /**
     * The command line with this project's way of reporting errors; tests give it streams of their own. To learn all commands'
     * options takes longer than to classify a picture, so that where the first word is a command, it alone is known.
     */
    static CommandLine commandLine(String... words) {
        var line = new CommandLine(new Sextant());
        var asked = COMMANDS.stream().filter(command -> words.length > 0 && command.getAnnotation(Command.class).name().equals(words[0])).toList();
        for (var command : asked.isEmpty() ? COMMANDS : asked) line.addSubcommand(command);
        return line
            .setParameterExceptionHandler((e, _) -> Failure.usage(e))
            .setExecutionExceptionHandler((e, failed, _) -> Failure.report(failed.getErr(), e))
            .setExpandAtFiles(false); // a picture may be called @home.jpg
    }

    /** Without a command: the help page, as a usage error. */
    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return CommandLine.ExitCode.USAGE;
    }
}
