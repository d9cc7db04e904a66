// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Where a network's numbers come from. */
@FunctionalInterface
public interface Parameters {

    /**
     * The values of {@code parameter}: dense, row-major, native float32. What has to be made for the call is allocated from
     * {@code arena}.
     */
    MemorySegment floats(Constant.Parameter parameter, Arena arena);
}
