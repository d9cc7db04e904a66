// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShapeTest {
    @Test
    void textAndBack() {
        var shape = Shape.of(1, 3, 224, 224);
        assertEquals("1x3x224x224", shape.toString());
        assertEquals(shape, Shape.parse("1x3x224x224"));
        assertEquals("scalar", new Shape(List.of()).toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "3x", "3xx4", "3 x 4", "axb", "3x-1", "99999999999"})
    void otherTextIsNamed(String text) {
        assertThrows(IllegalArgumentException.class, () -> Shape.parse(text));
    }

    @Test
    void counts() {
        assertEquals(150528, Shape.of(3, 224, 224).elements());
        assertEquals(1, new Shape(List.of()).elements());
        assertEquals(0, Shape.of(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE, 0).elements());
        assertEquals(Shape.of(2, 3, 4), Shape.of(3, 4).prepend(2));
        assertEquals(Shape.of(3, 4), Shape.of(2, 3, 4).dropFirst());
    }

    @Test
    void whatIsNoShape() {
        assertEquals("shape: expects dimensions of at least 0, found 3x-1",
            assertThrows(IllegalArgumentException.class, () -> Shape.of(3, -1)).getMessage());
        int large = Integer.MAX_VALUE;
        assertThrows(IllegalArgumentException.class, () -> Shape.of(large, large, large));
    }
}
