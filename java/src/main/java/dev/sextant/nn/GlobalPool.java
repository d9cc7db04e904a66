// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

/** Mean or maximum of each channel's whole plane: {@code c h w -> c 1 1}. */
public record GlobalPool(Pool.Kind kind) implements Nn {

    public GlobalPool {
        Checks.require(kind != null, "global pool: expects a kind, found null");
    }

    @Override
    public String toString() {
        return kind == Pool.Kind.MAX ? "globalMaxPool()" : "globalAvgPool()";
    }
}
