// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import java.util.List;

/** Branches on the same input, their results joined along the channels in this order; heights and widths must agree. */
public record Concat(List<Nn> branches) implements Nn {

    public Concat {
        branches = List.copyOf(branches);
        Checks.require(!branches.isEmpty(), "concat: expects at least one branch, found none");
    }

    @Override
    public String toString() {
        return Checks.call("concat", branches);
    }
}
