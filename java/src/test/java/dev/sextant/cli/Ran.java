// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;

/** What a command did in this JVM: its exit status and what it printed. */
record Ran(int status, String out, String err) {

    /** Paths and other values may stand among the words of the command line. */
    static Ran of(Object... words) {
        var out = new StringWriter();
        var err = new StringWriter();
        var args = Arrays.stream(words).map(Object::toString).toArray(String[]::new);
        int status = Sextant.run(Sextant.commandLine(args).setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)), args);
        return new Ran(status, out.toString(), err.toString());
    }

    /** A command that went well: its standard output's lines. */
    List<String> lines() {
        assertEquals("", err);
        assertEquals(0, status);
        return out.lines().toList();
    }

    /** One line on standard error that holds all {@code parts}. */
    Ran fails(int expected, Object... parts) {
        assertEquals(expected, status, this::toString);
        assertEquals(1, err.lines().count(), err);
        for (var part : parts) assertTrue(err.contains(part.toString()), () -> "expected '" + part + "' in: " + err);
        return this;
    }
}
