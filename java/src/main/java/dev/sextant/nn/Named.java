// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

/** A part with a name of its own for its parameters' keys; an empty name adds nothing to them. */
public record Named(String name, Nn body) implements Nn {

    public Named {
        require(name != null && body != null, "as: expects a name and a part, found null");
        require(!name.contains(".") && name.chars().noneMatch(Character::isWhitespace),
            "as: expects a name without dots and spaces, found '%s'", name);
    }

    /** The same part under another name. */
    @Override
    public Nn as(String name) {
        return new Named(name, body);
    }

    @Override
    public String toString() {
        return body + ".as(\"" + name + "\")";
    }
}
