// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Shape;
import picocli.CommandLine.ITypeConverter;

/** The shape of one image, {@code 3x224x224}. */
final class ShapeConverter implements ITypeConverter<Shape> {
    @Override
    public Shape convert(String text) throws Exception {
        return Failure.asUsage(() -> {
            var shape = Shape.parse(text);
            if (shape.rank() != 3 || shape.elements() == 0) {
                throw new IllegalArgumentException("expects channels x height x width as in 3x224x224, found '" + text + "'");
            }
            return shape;
        });
    }
}
