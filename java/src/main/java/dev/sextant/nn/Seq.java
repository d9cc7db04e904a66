// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import java.util.List;

/** Children one after the other, each on the result of the one before. An empty one is the identity. */
public record Seq(List<Nn> children) implements Nn {

    public Seq {
        children = List.copyOf(children);
    }

    @Override
    public String toString() {
        return Checks.call("seq", children);
    }
}
