// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import static dev.sextant.onnx.Cases.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.CodedOutputStream;
import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Predictor;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.image.Labels;
import dev.sextant.io.FormatException;
import dev.sextant.nn.Conv;
import dev.sextant.nn.Linear;
import dev.sextant.nn.Wired;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is refused and in which words, what folds away, and what a file cannot make anybody pay for. */
class OnnxTest {
    private static final Device DEVICE = Device.cpu(1);

    @TempDir
    private Path folder;

    private final List<byte[]> parts = new ArrayList<>();

    // ------------------------------------------------------------------------------------------ files made by hand

    private void node(String operator, String inputs, String output, Cases.Fields... attributes) throws IOException {
        parts.add(bytes(out -> out.writeByteArray(1, bytes(node -> {
            for (var input : inputs.split(" ")) node.writeString(1, input);
            node.writeString(2, output);
            node.writeString(4, operator);
            for (var attribute : attributes) node.writeByteArray(5, bytes(attribute));
        }))));
    }

    private static Cases.Fields integers(String name, long... values) {
        return out -> {
            out.writeString(1, name);
            for (long value : values) out.writeInt64(8, value);
            out.writeInt32(20, 7);
        };
    }

    private static void head(CodedOutputStream out, String name, int type, long... dims) throws IOException {
        for (long dim : dims) out.writeInt64(1, dim);
        out.writeInt32(2, type);
        out.writeString(8, name);
    }

    private void floats(String name, Shape shape, float... values) throws IOException {
        var raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) raw.putFloat(value);
        parts.add(bytes(out -> out.writeByteArray(5, bytes(tensor -> {
            head(tensor, name, 1, shape.dims().stream().mapToLong(dim -> dim).toArray());
            tensor.writeByteArray(9, raw.array());
        }))));
    }

    private void longs(String name, long... values) throws IOException {
        parts.add(bytes(out -> out.writeByteArray(5, bytes(tensor -> {
            head(tensor, name, 7, values.length);
            for (long value : values) tensor.writeInt64(7, value);
        }))));
    }

    private static byte[] info(String name, long... dims) throws IOException {
        var shape = bytes(out -> {
            for (long dim : dims) out.writeByteArray(1, bytes(it -> it.writeInt64(1, dim)));
        });
        var tensor = bytes(out -> {
            out.writeInt32(1, 1);
            out.writeByteArray(2, shape);
        });
        return bytes(out -> {
            out.writeString(1, name);
            out.writeByteArray(2, bytes(type -> type.writeByteArray(1, tensor)));
        });
    }

    /** A file of the parts so far, from x of this shape to y. */
    private Path file(long... dims) throws IOException {
        var graph = bytes(out -> {
            for (var part : parts) out.writeRawBytes(part);
            out.writeByteArray(11, info("x", dims));
            out.writeByteArray(12, info("y"));
        });
        var file = folder.resolve("m.onnx");
        Files.write(file, bytes(out -> {
            out.writeByteArray(8, bytes(opset -> opset.writeInt64(2, 17)));
            out.writeByteArray(7, graph);
        }));
        parts.clear();
        return file;
    }

    private void refused(Class<? extends Exception> kind, String message, long... dims) throws IOException {
        var file = file(dims);
        var e = assertThrows(kind, () -> Onnx.load(file).close());
        assertEquals(file + ": " + message, e.getMessage());
    }

    private static float[] run(Model model, float... input) {
        var shape = model.network().input();
        int images = Math.toIntExact(input.length / shape.elements());
        try (var predictor = model.predictor(DEVICE, Predictor.Options.of(shape.prepend(images)))) {
            return predictor.predict(Tensor.of(shape.prepend(images), input)).toArray();
        }
    }

    private static float[] counting(int count) {
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = i + 1;
        return values;
    }

    // ------------------------------------------------------------------------------------------ what is refused

    @Test
    void refusalsNameNodeOperatorAndAttribute() throws IOException {
        node("Einsum", "x", "y");
        refused(UnsupportedOperationException.class, "node 'y' (Einsum): operator Einsum is not supported", 1, 1, 2, 2);
        node("Relu", "x", "y", integers("slope", 1));
        refused(UnsupportedOperationException.class, "node 'y' (Relu): attribute 'slope' is not supported", 1, 1, 2, 2);
        node("Mul", "x x", "y");
        refused(UnsupportedOperationException.class,
            "node 'y' (Mul): multiplies two values that depend on the model's input, expected one constant", 1, 1, 2, 2);
        node("MaxPool", "x", "y", integers("kernel_shape", 2));
        refused(FormatException.class, "node 'y' (MaxPool): expected 2 numbers in attribute 'kernel_shape', found 1", 1, 1, 2, 2);
        floats("w", Shape.of(2, 3, 1, 1), 1, 2, 3, 4, 5, 6);
        node("Conv", "x w", "y");
        refused(FormatException.class, "node 'y' (Conv): expected weights 2x3x1x1 in 1 groups to fit 4 channels", 1, 4, 2, 2);
        node("Relu", "nowhere", "y");
        refused(UnsupportedOperationException.class, "expected one input, found none that its output depends on", 1, 1, 2, 2);
    }

    @Test
    void tensorsAreHeldAgainstTheirBytes() throws IOException {
        floats("w", Shape.of(1 << 30), 1, 2);
        node("Add", "x w", "y");
        refused(FormatException.class, "tensor 'w': expected 1073741824 elements for its shape 1073741824, found 8 bytes", 1, 1, 2, 2);
    }

    @Test
    void tensorsBesideTheFileLieInItsFolder() throws IOException {
        Files.write(folder.resolve("w.bin"), new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40}); // 1, 2
        try (var model = Onnx.load(external("w.bin"))) {
            assertArrayEquals(new float[] {11, 22}, run(model, 10, 20));
        }
        Files.write(folder.resolve("w.bin"), new byte[6]);
        assertThrows(FormatException.class, () -> Onnx.load(external("w.bin")));
        for (var outside : List.of("../w.bin", "/etc/passwd", "", ".", "a/../../w.bin")) {
            var file = external(outside);
            var e = assertThrows(FormatException.class, () -> Onnx.load(file), outside);
            assertEquals(file + ": tensor 'w': expected its elements in a file of the model's folder, found '" + outside + "'",
                e.getMessage());
        }
    }

    private Path external(String location) throws IOException {
        parts.add(bytes(out -> out.writeByteArray(5, bytes(tensor -> {
            head(tensor, "w", 1, 2);
            tensor.writeByteArray(13, bytes(entry -> {
                entry.writeString(1, "location");
                entry.writeString(2, location);
            }));
            tensor.writeInt32(14, 1);
        }))));
        node("Add", "x w", "y");
        return file(1, 2);
    }

    // ------------------------------------------------------------------------------------------ what costs nothing

    @Test
    void weightsThatAFileOnlyAsksForAreNotMadeWhenItIsLoaded() throws IOException {
        longs("shape", 20_000, 4, 300, 300); // 29 GB
        node("ConstantOfShape", "shape", "w");
        node("Conv", "x w", "y");
        try (var model = Onnx.load(file(1, 4, 300, 300))) {
            assertEquals(Shape.of(20_000, 1, 1), model.network().output());
        }
    }

    @Test
    void constantsMadeFromConstantsHaveALimit() throws IOException {
        floats("c0", Shape.of(1), 1);
        for (int i = 0; i < 60; i++) node("Add", "c" + i + " c" + i, "c" + (i + 1)); // 2^60 additions
        node("Add", "x c60", "y");
        refused(FormatException.class, "node 'c8' (Add): expected constants made in at most 500 steps, found 511", 1, 1, 2, 2);
    }

    @Test
    void longChainsTakeTimeInProportion() throws IOException {
        floats("c", Shape.of(1), 1);
        node("Add", "x c", "0");
        for (int i = 0; i < 4000; i++) node(i % 2 == 0 ? "Relu" : "Add", i % 2 == 0 ? "" + i : i + " c", i == 3999 ? "y" : "" + (i + 1));
        var file = file(1, 1, 2, 2);
        assertTimeout(Duration.ofSeconds(5), () -> Onnx.load(file).close());
    }

    // ------------------------------------------------------------------------------------------ what folds away

    /** As tf2onnx writes them: channels last outside, and a matrix whose rows are in that order. */
    @Test
    void channelsLastMeetsItsInverse() throws IOException {
        floats("w", Shape.of(2, 1, 1, 1), 1, 10);
        floats("b", Shape.of(2), 100, 200);
        floats("m", Shape.of(8, 1), counting(8));
        longs("flat", -1, 8);
        node("Transpose", "x", "a", integers("perm", 0, 3, 1, 2));
        node("Conv", "a w", "c");
        node("Transpose", "c", "d", integers("perm", 0, 2, 3, 1));
        node("Relu", "d", "e");
        node("Reshape", "e flat", "f");
        node("MatMul", "f m", "y");
        try (var model = Onnx.load(file(1, 2, 2, 1))) {
            assertEquals(Shape.of(1, 2, 2), model.network().input());
            var body = (Wired) model.network().body();
            assertEquals(3, body.parts().size(), body::toString);
            // pixels 1 2 3 4, each with channels v and 10 v, times 1 .. 8
            assertArrayEquals(new float[] {1 * 21 + 2 * 43 + 3 * 65 + 4 * 87}, run(model, 1, 2, 3, 4));
        }
    }

    /** Mul and Add of one number a channel become part of the convolution that nobody else reads. */
    @Test
    void scalesGoIntoTheLayerBeforeThem() throws IOException {
        floats("w", Shape.of(2, 1, 1, 1), 1, 10);
        floats("s", Shape.of(2, 1, 1), 2, 3);
        floats("t", Shape.of(1, 2, 1, 1), 5, 7);
        node("Conv", "x w", "c");
        node("Mul", "c s", "d");
        node("Add", "d t", "y");
        try (var model = Onnx.load(file(1, 1, 1, 2))) {
            var body = (Wired) model.network().body();
            assertEquals(1, body.parts().size(), body::toString);
            assertTrue(body.parts().getFirst().nn() instanceof Conv conv && conv.bias());
            assertArrayEquals(new float[] {7, 9, 37, 67}, run(model, 1, 2));
        }
        // ... but not where somebody does.
        floats("w", Shape.of(2, 1, 1, 1), 1, 10);
        floats("s", Shape.of(2, 1, 1), 2, 3);
        node("Conv", "x w", "c");
        node("Identity", "c", "e");
        node("Mul", "e s", "d");
        node("Add", "c d", "y");
        try (var model = Onnx.load(file(1, 1, 1, 2))) {
            assertArrayEquals(new float[] {3, 6, 40, 80}, run(model, 1, 2));
        }
    }

    @Test
    void zerosAroundAPlaneBecomeThePaddingOfTheConvolution() throws IOException {
        floats("w", Shape.of(1, 1, 2, 2), 1, 1, 1, 1);
        longs("pads", 0, 0, 1, 0, 0, 0, 0, 2);
        node("Pad", "x pads", "p");
        node("Conv", "p w", "y");
        try (var model = Onnx.load(file(1, 1, 2, 2))) {
            assertEquals(List.of("conv(1, 2).pad(1, 0, 0, 2).noBias()"),
                ((Wired) model.network().body()).parts().stream().map(part -> part.nn().toString()).toList());
            assertArrayEquals(new float[] {3, 2, 0, 10, 6, 0}, run(model, 1, 2, 3, 4));
        }
    }

    @Test
    void channelsAreShuffled() throws IOException {
        longs("groups", 0, 2, 3, 1, 2);
        longs("channels", 0, 6, 1, 2);
        node("Reshape", "x groups", "a");
        node("Transpose", "a", "b", integers("perm", 0, 2, 1, 3, 4));
        node("Reshape", "b channels", "y");
        try (var model = Onnx.load(file(1, 6, 1, 2))) {
            assertArrayEquals(new float[] {1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12}, run(model, counting(12)));
        }
    }

    @Test
    void whatALayerIsCalledComesFromItsWeights() throws IOException {
        floats("module.fc.weight", Shape.of(1, 4), counting(4));
        floats("module.fc.bias", Shape.of(1), 5);
        node("Flatten", "x", "f");
        node("Gemm", "f module.fc.weight module.fc.bias", "y", out -> {
            out.writeString(1, "transB");
            out.writeInt64(3, 1);
            out.writeInt32(20, 2);
        });
        try (var model = Onnx.load(file(1, 1, 2, 2))) {
            var part = ((Wired) model.network().body()).parts().getFirst();
            assertEquals("fc", part.name());
            assertEquals(new Linear(1, true), part.nn());
            assertArrayEquals(new float[] {35, 15}, run(model, 1, 2, 3, 4, 1, 1, 1, 1));
        }
    }

    @Test
    void aFileMayLeaveItsSizeOpen() throws IOException {
        node("GlobalMaxPool", "x", "y");
        var file = file(1, 1, 0, 0);
        assertThrows(UnsupportedOperationException.class, () -> Onnx.load(file));
        try (var model = Onnx.load(file, Onnx.Options.DEFAULT.withInput(Shape.of(1, 2, 3)))) {
            assertArrayEquals(new float[] {6}, run(model, counting(6)));
        }
    }

    @Test
    void labelsForManyOutputsAreNumbers() throws IOException {
        node("Relu", "x", "y");
        try (var model = Onnx.load(file(1, 3, 20_000, 20_000))) {
            assertEquals("1199999999", model.network().labels().name(1_199_999_999));
        }
        assertEquals(IntStream.range(0, 3).mapToObj(Integer::toString).toList(), Labels.numbers(3).names());
    }
}
