// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import java.util.List;

/** Branches on the same input, their results, all of one shape, summed. */
public record Add(List<Nn> branches) implements Nn {

    public Add {
        branches = List.copyOf(branches);
        Checks.require(!branches.isEmpty(), "add: expects at least one branch, found none");
    }

    @Override
    public String toString() {
        return Checks.call("add", branches);
    }
}
