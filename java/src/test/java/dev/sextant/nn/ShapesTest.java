// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShapesTest {
    @Test
    void convolutions() {
        gives("64x112x112", conv(64, 7).stride(2).pad(3), "3x224x224");
        gives("64x55x55", conv(64, 11).stride(4).pad(2), "3x224x224");
        gives("8x10x12", conv(8, 3, 1), "4x12x12");
        gives("8x6x4", conv(8, 3).stride(2, 3).pad(1, 0), "4x12x12");
        gives("8x8x8", conv(8, 3).dilation(2), "4x12x12");
        gives("8x1x1", conv(8, 3), "4x3x3");
        gives("8x12x12", conv(8, 1).groups(4), "4x12x12");
    }

    /** Sizes of PyTorch's MaxPool2d for input, window, stride, padding, floor and ceil. */
    @ParameterizedTest
    @CsvSource({
        "112, 3, 2, 0, 55, 56", "112, 3, 2, 1, 56, 57", "55, 3, 2, 0, 27, 27", "13, 3, 2, 0, 6, 6", "14, 2, 2, 0, 7, 7", "7, 2, 2, 0, 3, 4",
        "4, 1, 3, 0, 2, 2", "5, 2, 3, 1, 2, 2", "6, 2, 4, 1, 2, 2", "3, 3, 1, 1, 3, 3", "5, 3, 5, 1, 1, 2", "4, 2, 3, 1, 2, 2", "9, 3, 4, 1, 3, 3",
        "2, 2, 3, 0, 1, 1", "28, 3, 2, 0, 13, 14"})
    void pools(int size, int window, int stride, int pad, int floor, int ceil) {
        var pool = maxPool(window, stride, pad);
        var input = Shape.of(5, size, size);
        assertEquals(Shape.of(5, floor, floor), Shapes.output(pool, input, ""));
        assertEquals(Shape.of(5, ceil, ceil), Shapes.output(pool.ceil(true), input, ""));
    }

    @Test
    void theRest() {
        gives("5x1x1", globalAvgPool(), "5x7x9");
        gives("5x6x6", adaptiveAvgPool(6, 6), "5x2x9");
        gives("10", linear(10), "5x7x9");
        gives("10", linear(10), "5");
        gives("315", flatten(), "5x7x9");
        gives("315", softmax(), "315");
        gives("315x1x1", logSoftmax(), "315x1x1");
        gives("5x7x9", seq(), "5x7x9");
        gives("5x7x9", seq(batchNorm(), relu(), lrn(5, 1, 1, 1), dropout(0.5), identity(), aux(linear(3), 1)), "5x7x9");
        gives("8x4x5", shortcut(8, 2), "5x7x9");
        gives("13x7x9", concat(identity(), conv(8, 3).pad(1)), "5x7x9");
        gives("5x7x9", add(identity(), conv(5, 3).pad(1), seq()), "5x7x9");
    }

    @Test
    void errorsNameTheLayerAndTheShapes() {
        fails("features.3: conv 3x3 expects at least 3x3 pixels, input 3x2x2 is too small",
            seq(relu(), relu(), relu(), conv(3, 3)).as("features"), "3x2x2");
        fails("stem.0.0: conv 5x5 expects at least 9x9 pixels with its padding of 1x1 a side, input 3x6x20 is too small",
            seq(seq(conv(3, 5).pad(1).dilation(2))).as("stem"), "3x6x20");
        fails("1: max pool 4x4 expects at least 4x4 pixels, input 8x3x3 is too small", seq(relu(), maxPool(4, 1)), "8x3x3");
        fails("a: conv with 4 groups expects channels that they divide, input is 6x3x3", conv(4, 3).groups(4).as("a"), "6x3x3");
        fails("1: conv expects an image c x h x w, input is 10", seq(linear(10), conv(4, 1)), "6x3x3");
        fails("add expects branches of one shape, found 6x3x3, 5x3x3", add(identity(), conv(5, 1)), "6x3x3");
        fails("j: concat expects branches of one height and width, found 6x3x3, 5x1x1", concat(identity(), conv(5, 3)).as("j"), "6x3x3");
        fails("softmax expects one value a class, input is 6x3x3", softmax(), "6x3x3");
        fails("shortcut expects at most 4 channels, input is 6x3x3", shortcut(4, 1), "6x3x3");
        fails("global average pool expects an image c x h x w, input is 2x6x3x3", globalAvgPool(), "2x6x3x3");
    }

    @Test
    void absurdSizesDoNotWrapAround() {
        int large = Integer.MAX_VALUE;
        assertThrows(IllegalArgumentException.class, () -> Shapes.output(flatten(), Shape.of(large, 2, 1), "f"));
        assertThrows(IllegalArgumentException.class, () -> Shapes.output(conv(1, 1).pad(large), Shape.of(1, 1, 1), "c"));
        assertThrows(IllegalArgumentException.class, () -> Shapes.output(conv(1, 3).dilation(large), Shape.of(1, 9, 9), "c"));
        assertThrows(IllegalArgumentException.class, () -> Shapes.output(concat(identity(), identity()), Shape.of(large, 1, 1), "c"));
    }

    private static void gives(String expected, Nn nn, String input) {
        assertEquals(Shape.parse(expected), Shapes.output(nn, Shape.parse(input), ""));
        assertEquals(Shape.parse(expected), Layers.of(nn, Shape.parse(input)).output());
    }

    private static void fails(String message, Nn nn, String input) {
        var shape = Shape.parse(input);
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> Shapes.output(nn, shape, "")).getMessage());
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> Layers.of(nn, shape)).getMessage());
    }
}
