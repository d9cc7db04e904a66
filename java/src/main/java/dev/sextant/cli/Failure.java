// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.SextantException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** How errors are told: one sentence on one line. {@code SEXTANT_LOG=errors} adds where in the code they arose. */
final class Failure {
    private Failure() {}

    /** A command line that makes no sense. */
    static int usage(ParameterException e) {
        var line = e.getCommandLine();
        var name = line.getCommandSpec().qualifiedName();
        var near = e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.<String>of();
        line.getErr().println(name + ": " + oneLine(e.getMessage())
            + (near.isEmpty() ? "" : " (did you mean " + String.join(" or ", near.subList(0, Math.min(3, near.size()))) + "?)")
            + " - see '" + name + " --help'");
        trace(line.getErr(), e);
        return ExitCode.USAGE;
    }

    /** A command that failed. */
    static int report(PrintWriter err, Throwable e) {
        err.println("sextant: " + sentence(e));
        err.flush();
        trace(err, e);
        return ExitCode.SOFTWARE;
    }

    /** What happened, for people: the library's own sentence where there is one. */
    static String sentence(Throwable e) {
        return oneLine(switch (e) {
            case NoSuchFileException missing -> missing.getFile() + ": there is no such file";
            case AccessDeniedException denied -> denied.getFile() + ": no permission to open this file";
            case FileSystemException file when file.getReason() != null -> file.getFile() + ": " + file.getReason();
            case UncheckedIOException wrapped -> sentence(wrapped.getCause());
            case ExceptionInInitializerError wrapped when wrapped.getCause() != null -> sentence(wrapped.getCause());
            case OutOfMemoryError _ -> "there is not enough memory for this: try a smaller batch or input ("
                + Runtime.getRuntime().maxMemory() / (1 << 20) + " MiB of Java heap)";
            case IOException known -> message(known);
            case IllegalArgumentException known -> message(known);
            case IllegalStateException known -> message(known);
            case UnsupportedOperationException known -> message(known);
            case SextantException known -> message(known);
            case UnsatisfiedLinkError known -> message(known);
            default -> "unexpected " + e + "; please report it with what SEXTANT_LOG=errors prints";
        });
    }

    /** {@code file} again, or an exception that says what stands in the way of reading it. */
    static Path readable(Path file) throws IOException {
        if (Files.isDirectory(file)) throw new FileSystemException(file.toString(), null, "is a folder, expects a file");
        if (!Files.exists(file)) throw new NoSuchFileException(file.toString());
        return file;
    }

    /** Turns what a command line's value provokes in the library into a usage error of the option it was given to. */
    static <T> T asUsage(Callable<T> value) throws Exception {
        try {
            return value.call();
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    private static String message(Throwable e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", " ");
    }

    private static void trace(PrintWriter err, Throwable e) {
        if (System.getenv().getOrDefault("SEXTANT_LOG", "").contains("errors")) e.printStackTrace(err);
    }
}
