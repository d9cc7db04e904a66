// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import dev.sextant.Shape;
import dev.sextant.io.FormatException;
import dev.sextant.onnx.Operand.Feature;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * One node with what its names stand for.
 *
 * @param where file, node and operator, for messages
 * @param inputs null where an optional one is left out
 * @param lead how many dimensions in front count images, and are none of a {@link Feature}'s own: 1, or 0 where a file mixes images
 * @param images how many the file is made for, -1 for any number
 * @param alone whether nobody but this node reads its first input
 */
record Call(String where, Document.Node node, long opset, List<Operand> inputs, Attributes attributes, int lead, int images,
    boolean alone) {

    /** A file that does something with the dimension that counts images. */
    static final class MixedImages extends RuntimeException {
        private static final long serialVersionUID = 1;

        MixedImages(String message) {
            super(message, null, false, false);
        }
    }

    String name() {
        return node.name().isEmpty() ? node.operator().toLowerCase(java.util.Locale.ROOT) : node.name();
    }

    boolean has(int index) {
        return index < inputs.size() && inputs.get(index) != null;
    }

    private Operand input(int index) throws FormatException {
        if (!has(index)) {
            throw malformed("expected at least " + (index + 1) + " inputs, found " + inputs.stream().filter(i -> i != null).count());
        }
        return inputs.get(index);
    }

    Feature feature(int index) throws FormatException {
        if (input(index) instanceof Feature feature) return feature;
        throw unsupported("input " + index + " is constant, expected one that depends on the model's input");
    }

    Numbers numbers(int index, String what) throws FormatException {
        if (input(index) instanceof Numbers numbers) return numbers;
        throw unsupported(what + " (input " + index + ") depends on the model's input, expected a constant");
    }

    /** Of shape {@code shape}. */
    Numbers numbers(int index, String what, Shape shape) throws FormatException {
        var numbers = numbers(index, what);
        if (numbers.shape().equals(shape)) return numbers;
        throw malformed("expected " + what + " (input " + index + ") of shape " + shape + ", found " + numbers.shape());
    }

    long[] integers(int index, String what) throws FormatException {
        var numbers = numbers(index, what);
        if (numbers.elements() > 64) throw malformed("expected at most 64 numbers as " + what + ", found " + numbers.elements());
        requireSmall(numbers, what);
        try {
            return numbers.values().integers();
        } catch (ArithmeticException e) {
            throw malformed(what + ": " + e.getMessage());
        }
    }

    float number(int index, String what) throws FormatException {
        var numbers = numbers(index, what);
        if (numbers.elements() != 1) throw malformed("expected one number as " + what + ", found " + numbers.shape());
        requireSmall(numbers, what);
        return numbers.toArray()[0];
    }

    /** That nothing large has to be made for numbers which are wanted now. */
    void requireSmall(Numbers numbers, String what) {
        if (numbers.largest() > 1 << 16) throw unsupported(what + " follows from " + numbers.largest() + " numbers, expected a few");
    }

    /** An input, or the attribute of the same meaning that older versions have; null if there is neither. */
    long[] integers(int index, String attribute, long since) throws FormatException {
        if (opset < since) return attributes.integers(attribute);
        return has(index) ? integers(index, attribute) : null;
    }

    /** Dimension {@code axis} of a feature whose dimensions count images first; from behind where negative. */
    int axis(long axis, Feature feature) throws FormatException {
        int own = anyAxis(axis, feature.dims().size());
        if (own < 0) throw mixed("works along the dimension of images");
        return own;
    }

    /** As {@link #axis} for so many own dimensions; negative for that of images. */
    int anyAxis(long axis, int dims) throws FormatException {
        int rank = dims + lead;
        if (axis < -rank || axis >= rank) {
            throw malformed("expected an axis from " + -rank + " to " + (rank - 1) + ", found " + axis);
        }
        return (int) (axis < 0 ? axis + rank : axis) - lead;
    }

    /** {@code c h w} and the like of one image: where the file mixes images there may be only one. */
    List<Integer> image(Feature feature, int least) throws FormatException {
        var dims = feature.dims();
        if (lead == 0) {
            if (dims.isEmpty() || dims.getFirst() != 1) {
                throw unsupported("expects one image, found " + text(dims) + " in a file that mixes them");
            }
            dims = dims.subList(1, dims.size());
        }
        if (dims.size() < least) {
            throw malformed("expected an input of at least " + (least + 1) + " dimensions, found " + (dims.size() + 1));
        }
        return dims;
    }

    /** The feature's dimensions where those of one image are {@code dims}. */
    Feature ofImage(Feature made, List<Integer> dims) {
        if (lead == 1) return made.as(dims);
        var all = new java.util.ArrayList<Integer>(List.of(1));
        all.addAll(dims);
        return made.as(all);
    }

    static String text(List<Integer> dims) {
        return dims.isEmpty() ? "scalar" : new Shape(dims).toString();
    }

    MixedImages mixed(String what) {
        return new MixedImages(where + ": " + what);
    }

    UnsupportedOperationException unsupported(String what) {
        return new UnsupportedOperationException(where + ": " + what);
    }

    FormatException malformed(String what) {
        return new FormatException(where + ": " + what);
    }

    /** @throws UnsupportedOperationException naming the attribute, unless it has the value that is known */
    void require(String attribute, boolean held, Object found) {
        if (!held) throw unsupported("attribute '" + attribute + "' of " + found + " is not supported");
    }

    /** Numbers in the range of {@code int}. */
    int[] small(String what, long[] numbers, long least, long most) throws IOException {
        for (long number : numbers) {
            if (number < least || number > most) {
                throw malformed("expected " + what + " from " + least + " to " + most + ", found " + number);
            }
        }
        return Arrays.stream(numbers).mapToInt(number -> (int) number).toArray();
    }
}
