// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/** Writes well-formed XML: what is opened is closed in order, text and values are escaped. */
final class Markup {
    private final StringBuilder written = new StringBuilder();
    private final Deque<String> open = new ArrayDeque<>();

    /** Begins an element; {@code attributes} are names and values in turn. */
    Markup open(String name, Object... attributes) {
        tag(name, attributes).append('>');
        open.push(name);
        return this;
    }

    /** Ends the element that was opened last. */
    Markup close() {
        written.append("</").append(open.pop()).append(">\n");
        return this;
    }

    /** An element without content, for those that HTML writes so too: {@code meta}, {@code link} and all of SVG's shapes. */
    Markup leaf(String name, Object... attributes) {
        tag(name, attributes).append("/>\n");
        return this;
    }

    /** An element around nothing but text. */
    Markup element(String name, Object content, Object... attributes) {
        return open(name, attributes).text(content).close();
    }

    Markup text(Object content) {
        escape(String.valueOf(content));
        return this;
    }

    /** Style sheets stand as they are, so they may hold none of XML's own characters but {@code >}. */
    Markup style(String rules) {
        if (rules.matches("(?s).*[<&].*")) throw new IllegalArgumentException("markup: a style sheet expects neither '<' nor '&'");
        written.append('\n').append(rules);
        return this;
    }

    private StringBuilder tag(String name, Object... attributes) {
        written.append('<').append(name);
        for (int i = 0; i < attributes.length; i += 2) {
            written.append(' ').append(attributes[i]).append("=\"");
            escape(attributes[i + 1] instanceof Double number ? coordinate(number) : String.valueOf(attributes[i + 1]));
            written.append('"');
        }
        return written;
    }

    /** A tenth of a pixel is fine enough. */
    static String coordinate(double value) {
        var text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    private void escape(String text) {
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> written.append("&amp;");
                case '<' -> written.append("&lt;");
                case '>' -> written.append("&gt;");
                case '"' -> written.append("&quot;");
                case '\n', '\t' -> written.appendCodePoint(c);
                default -> written.appendCodePoint(Character.isISOControl(c) ? '?' : c); // XML has no place for them
            }
        });
    }

    /** @throws IllegalStateException while an element is open */
    @Override
    public String toString() {
        if (!open.isEmpty()) throw new IllegalStateException("markup: " + open + " still open");
        return written.toString();
    }
}
