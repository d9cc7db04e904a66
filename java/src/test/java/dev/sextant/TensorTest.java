// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class TensorTest {
    private final Tensor tensor = Tensor.of(Shape.of(2, 3), new float[] {1, 5, 2, 7, -1, 3});

    @Test
    void isRowMajor() {
        assertEquals(7, tensor.get(3));
        assertArrayEquals(new float[] {7, -1, 3}, tensor.slice(1).toArray());
        assertEquals(Shape.of(3), tensor.slice(1).shape());
        assertEquals(Shape.of(3, 2), tensor.reshape(Shape.of(3, 2)).shape());
        assertEquals(7, tensor.slice(1).slice(0).get(0));
    }

    @Test
    void nobodyChangesIt() {
        assertTrue(tensor.data().isReadOnly());
        tensor.toArray()[0] = 9;
        assertEquals(1, tensor.get(0));
    }

    @Test
    void nativeStorageIsNotCopied() {
        try (var arena = Arena.ofConfined()) {
            var memory = arena.allocate(ValueLayout.JAVA_FLOAT, 4);
            var view = Tensor.of(Shape.of(4), memory);
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, 2, 8);
            assertEquals(8, view.get(2));
            assertEquals(memory.address(), view.data().address());
        }
    }

    @Test
    void sizesMustAgree() {
        assertEquals("tensor: shape 2x3 expects 6 float32 values, found 5",
            assertThrows(IllegalArgumentException.class, () -> Tensor.of(Shape.of(2, 3), new float[5])).getMessage());
        assertEquals("tensor: shape 1 expects 1 float32 values, found 5 bytes",
            assertThrows(IllegalArgumentException.class, () -> Tensor.of(Shape.of(1), MemorySegment.ofArray(new byte[5]))).getMessage());
        assertThrows(IllegalArgumentException.class, () -> tensor.reshape(Shape.of(5)));
        assertThrows(IndexOutOfBoundsException.class, () -> tensor.slice(2));
        assertThrows(IndexOutOfBoundsException.class, () -> tensor.slice(-1));
    }

    @Test
    void argmaxIsTheFirstLargest() {
        assertEquals(3, tensor.argmax());
        assertEquals(1, Tensor.of(Shape.of(4), new float[] {Float.NaN, 2, 2, 1}).argmax());
        assertEquals(0, Tensor.of(Shape.of(2), new float[] {-3, -3}).argmax());
    }

    @Test
    void softmaxIsOverTheLastDimensionAndDoesNotOverflow() {
        var p = tensor.softmax();
        double sum = Math.exp(1) + Math.exp(5) + Math.exp(2);
        assertEquals(Math.exp(5) / sum, p.get(1), 1e-7);
        assertEquals(1, p.get(3) + p.get(4) + p.get(5), 1e-6);
        assertArrayEquals(new float[] {0.5f, 0.5f}, Tensor.of(Shape.of(2), new float[] {1000, 1000}).softmax().toArray());
        assertEquals(0, Tensor.of(Shape.of(2, 0), new float[0]).softmax().shape().elements());
    }

    @Test
    void equalByShapeAndValues() {
        var same = Tensor.of(Shape.of(2, 3), new float[] {1, 5, 2, 7, -1, 3});
        assertEquals(tensor, same);
        assertEquals(tensor.hashCode(), same.hashCode());
        assertNotEquals(tensor, tensor.reshape(Shape.of(6)));
        assertEquals("Tensor 2x3 [1.0, 5.0, 2.0, 7.0, -1.0, 3.0]", tensor.toString());
        assertEquals("Tensor 9 [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ...]", Tensor.of(Shape.of(9), new float[9]).toString());
    }
}
