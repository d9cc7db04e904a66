// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import dev.sextant.Shape;

/**
 * What one node hands to the next: {@code n c h w}, or {@code n f} after a fully connected layer. The number tells values of one
 * shape apart.
 */
public record Value(int id, Shape shape) {

    public Value {
        if (shape.rank() != 2 && shape.rank() != 4) {
            throw new IllegalArgumentException("graph: a value expects the shape n c h w or n f, found " + shape);
        }
    }

    public int n() {
        return shape.dim(0);
    }

    public int c() {
        return shape.dim(1);
    }

    public int h() {
        return isFlat() ? 1 : shape.dim(2);
    }

    public int w() {
        return isFlat() ? 1 : shape.dim(3);
    }

    /** Whether it has no picture plane: {@code n f}. */
    public boolean isFlat() {
        return shape.rank() == 2;
    }

    @Override
    public String toString() {
        return "%" + id;
    }
}
