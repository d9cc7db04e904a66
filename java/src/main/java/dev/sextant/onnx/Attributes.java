// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.io.FormatException;
import dev.sextant.onnx.Document.Attribute;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/** The attributes of one node, each to be asked for once; {@link #requireNoOther} refuses what nobody asked for. */
final class Attributes {
    private final String where;
    private final Map<String, Attribute> all = new HashMap<>();

    /** @param where file, node and operator, for messages */
    Attributes(String where, Document.Node node) throws FormatException {
        this.where = where;
        for (var attribute : node.attributes()) {
            if (all.put(attribute.name(), attribute) != null) {
                throw new FormatException(where + ": expected attribute '" + attribute.name() + "' once, found it twice");
            }
        }
    }

    /** The attribute, which then counts as known; null if it is not there. */
    private Attribute take(String name, int type, String kind) throws FormatException {
        var found = all.remove(name);
        if (found != null && found.type() != type && found.type() != 0) {
            throw new FormatException(where + ": expected attribute '" + name + "' to be " + kind + ", found type " + found.type());
        }
        return found;
    }

    boolean has(String name) {
        return all.containsKey(name);
    }

    long integer(String name, long otherwise) throws FormatException {
        var found = take(name, Attribute.INT, "a whole number");
        return found == null ? otherwise : found.integer();
    }

    boolean flag(String name, boolean otherwise) throws FormatException {
        long value = integer(name, otherwise ? 1 : 0);
        if (value != 0 && value != 1) throw new FormatException(where + ": expected attribute '" + name + "' to be 0 or 1, found " + value);
        return value == 1;
    }

    float real(String name, float otherwise) throws FormatException {
        var found = take(name, Attribute.FLOAT, "a number");
        if (found == null) return otherwise;
        if (!Float.isFinite(found.real())) {
            throw new FormatException(where + ": expected attribute '" + name + "' to be a finite number, found " + found.real());
        }
        return found.real();
    }

    /** The decimal number that somebody wrote for it, 0.0001, and not its nearest float. */
    double decimal(String name, double otherwise) throws FormatException {
        return has(name) ? Double.parseDouble(Float.toString(real(name, 0))) : otherwise;
    }

    String text(String name, String otherwise) throws FormatException {
        var found = take(name, Attribute.STRING, "text");
        return found == null ? otherwise : found.text();
    }

    /** Null if it is not there. */
    long[] integers(String name) throws FormatException {
        var found = take(name, Attribute.INTS, "a list of whole numbers");
        return found == null ? null : found.integers();
    }

    /** Null if it is not there. */
    float[] reals(String name) throws FormatException {
        var found = take(name, Attribute.FLOATS, "a list of numbers");
        return found == null ? null : found.reals();
    }

    /** Null if it is not there. */
    Document.Stored tensor(String name) throws FormatException {
        var found = take(name, Attribute.TENSOR, "a tensor");
        if (found != null && found.tensor() == null) {
            throw new FormatException(where + ": expected attribute '" + name + "' to hold a tensor");
        }
        return found == null ? null : found.tensor();
    }

    /** Known not to matter for what is computed. */
    void ignore(String... names) {
        for (var name : names) all.remove(name);
    }

    /** @throws UnsupportedOperationException if there is an attribute that nobody asked for */
    void requireNoOther() {
        if (!all.isEmpty()) {
            throw new UnsupportedOperationException(where + ": attribute '" + new TreeSet<>(all.keySet()).first() + "' is not supported");
        }
    }
}
