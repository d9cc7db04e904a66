// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import java.util.List;

/** What stands behind a name in a graph: numbers that are known when the model is loaded, or what follows from its input. */
sealed interface Operand permits Numbers, Operand.Feature {

    /**
     * A value that depends on the input.
     *
     * @param number in the {@link dev.sextant.nn.Wired} network
     * @param shape it has there for one image, {@code c h w} or {@code f}
     * @param dims what the file takes it for; without the first where that counts images
     * @param order where the elements lie in another order than the file means; null if not
     */
    record Feature(int number, Shape shape, List<Integer> dims, Order order) implements Operand {
        public Feature {
            dims = List.copyOf(dims);
        }

        Feature as(List<Integer> dims) {
            return new Feature(number, shape, dims, order);
        }

        long elements() {
            return shape.elements();
        }

        /** The product of {@code dims} from one axis up to, not with, another. */
        int product(int from, int to) {
            long product = 1;
            for (int axis = from; axis < to; axis++) product *= dims.get(axis);
            return Math.toIntExact(product);
        }
    }
}
