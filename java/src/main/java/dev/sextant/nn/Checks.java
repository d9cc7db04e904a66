// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What the records share: the check of their arguments, and the text of the call that makes them. */
final class Checks {
    private static final int LINE = 100;

    private Checks() {}

    static void require(boolean held, String message, Object... arguments) {
        if (!held) throw new IllegalArgumentException(String.format(Locale.ROOT, message, arguments));
    }

    /** {@code .stride(2)}, {@code .stride(2, 1)}, or nothing where both are the usual value. */
    static String pair(String call, int h, int w, int usual) {
        return h == usual && w == usual ? "" : "." + call + "(" + (h == w ? "" + h : h + ", " + w) + ")";
    }

    /** Padding of four sides: {@code 1x1}, or {@code 0x0 and 1x1} where those above and left differ from those below and right. */
    static String pads(int top, int left, int bottom, int right) {
        return top + "x" + left + (top == bottom && left == right ? "" : " and " + bottom + "x" + right);
    }

    /** {@code name(a, b)} on one line where that fits, otherwise one indented argument a line. */
    static String call(String name, List<Nn> arguments) {
        var texts = arguments.stream().map(Nn::toString).toList();
        var line = name + "(" + String.join(", ", texts) + ")";
        if (line.length() <= LINE && !line.contains("\n")) return line;
        return texts.stream().map(text -> "    " + text.replace("\n", "\n    ")).collect(Collectors.joining(",\n", name + "(\n", ")"));
    }
}
