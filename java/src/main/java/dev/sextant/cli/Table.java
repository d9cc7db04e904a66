// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Text in aligned columns, two spaces apart; a column whose heading begins with {@code >} is flush right. */
final class Table {
    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();
    private final int[] widths;

    Table(String... headings) {
        right = new boolean[headings.length];
        widths = new int[headings.length];
        var plain = new String[headings.length];
        for (int i = 0; i < headings.length; i++) {
            right[i] = headings[i].startsWith(">");
            plain[i] = right[i] ? headings[i].substring(1) : headings[i];
        }
        add((Object[]) plain);
    }

    /** Appends a row; as many cells as there are columns, or fewer. */
    Table add(Object... cells) {
        var row = Arrays.stream(cells).map(cell -> printable(String.valueOf(cell))).toArray(String[]::new);
        for (int i = 0; i < row.length; i++) widths[i] = Math.max(widths[i], width(row[i]));
        rows.add(row);
        return this;
    }

    /** Makes room for what later rows will hold, so that they can be printed as they come. */
    Table reserve(int column, int width) {
        widths[column] = Math.max(widths[column], width);
        return this;
    }

    /** A line between rows, as wide as the columns. */
    Table rule() {
        rows.add(null);
        return this;
    }

    /** Prints what was added since the last call. */
    void print(PrintWriter out) {
        for (var row : rows) out.println(row == null ? "-".repeat(Arrays.stream(widths).sum() + 2 * (widths.length - 1)) : line(row));
        out.flush();
        rows.clear();
    }

    private String line(String[] row) {
        var line = new StringBuilder();
        for (int i = 0; i < row.length; i++) {
            var space = " ".repeat(Math.max(0, widths[i] - width(row[i])));
            line.append(i == 0 ? "" : "  ").append(right[i] ? space : "").append(row[i]).append(right[i] ? "" : space);
        }
        return line.toString().stripTrailing();
    }

    static int width(String text) {
        return text.codePointCount(0, text.length());
    }

    /** A number with thousands apart: {@code 25,557,032}. */
    static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** A number with about three digits that mean something: {@code 0.0123}, {@code 1.23}, {@code 12.3}, {@code 1,234}. */
    static String number(double value) {
        double size = Math.abs(value);
        var format = size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : size >= 0.1 ? "%.3f" : "%.5f";
        return String.format(Locale.ROOT, format, value);
    }

    /** A file's name may hold anything; a terminal should not obey it. */
    private static String printable(String text) {
        return text.codePoints().map(c -> Character.isISOControl(c) ? '?' : c)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }
}
