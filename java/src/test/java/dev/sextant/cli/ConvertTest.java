// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.DType;
import dev.sextant.FormulaWeights;
import dev.sextant.GoldenFormula;
import dev.sextant.Shape;
import dev.sextant.Shared;
import dev.sextant.Tensor;
import dev.sextant.io.Npy;
import dev.sextant.io.Safetensors;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import dev.sextant.nn.Parameter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertTest {
    @TempDir
    private Path folder;

    private Path save(Network network, UnaryOperator<String> naming) throws IOException {
        var tensors = network.parameters().stream()
            .collect(Collectors.toMap(p -> naming.apply(p.key()), p -> GoldenFormula.tensor(p.key(), p.shape()), (a, _) -> a,
                TreeMap::new));
        tensors.put(naming.apply("bn1.num_batches_tracked"), Tensor.of(Shape.of(), new float[] {3}));
        var file = folder.resolve("in.safetensors");
        Safetensors.write(file, tensors, Map.of("note", "kept"));
        return file;
    }

    @Test
    void tensorsAreCopiedAsTheyAre() throws IOException {
        var in = save(Networks.named("resnet20"), key -> "module." + key);
        var out = folder.resolve("out.safetensors");
        var said = Ran.of("convert", in, out).lines();
        assertEquals(out + ": 98 tensors, " + Table.count(Files.size(out)) + " bytes", said.getFirst());
        try (var expected = Weights.open(in); var found = Weights.open(out)) {
            assertEquals(expected.keys(), found.keys());
            assertEquals(Map.of("note", "kept"), found.metadata());
            for (var key : expected.keys()) assertEquals(expected.tensor(key), found.tensor(key), key);
        }
    }

    @Test
    void aModelGivesItsNames() throws IOException {
        var network = Networks.named("resnet20");
        var in = save(network, key -> "module." + key);
        Ran.of("convert", in, in, "--model", "resnet20").lines(); // also over the file itself
        try (var found = Weights.open(in)) {
            assertEquals(network.parameters().stream().map(Parameter::key).collect(Collectors.toSet()), found.keys());
            assertEquals(GoldenFormula.tensor("conv1.weight", Shape.of(16, 3, 3, 3)), found.tensor("conv1.weight"));
        }
        Ran.of("convert", in, folder.resolve("o.safetensors"), "--model", "lenet5").fails(1, in, "does not fit lenet5");
    }

    @Test
    void fewerBits() throws IOException {
        var in = save(Networks.named("resnet20"), UnaryOperator.identity());
        var half = folder.resolve("half.safetensors");
        var bytes = folder.resolve("bytes.safetensors");
        var again = folder.resolve("again.safetensors");
        Ran.of("convert", in, half, "--bits", "16").lines();
        Ran.of("convert", in, bytes, "--bits", "8").lines();
        Ran.of("convert", bytes, again, "--model", "resnet20").lines();
        try (var halves = Weights.open(half); var eighths = Weights.open(bytes); var copied = Weights.open(again)) {
            assertEquals(DType.F16, halves.dtype("conv1.weight"));
            assertEquals(DType.I8, copied.dtype("conv1.weight"));
            assertEquals(eighths.tensor("conv1.weight"), copied.tensor("conv1.weight"), "scales come along");
        }
        Ran.of("convert", in, half, "--bits", "4").fails(2, "--bits", "4");
    }

    /** The same LeNet-5 from all three formats gives the same logits, bit for bit. */
    @Test
    void theSameNetworkFromEveryFormat() throws IOException {
        var shared = Shared.path("data/weights/lenet5-mnist.safetensors").resolveSibling("lenet5-mnist");
        var onnx = folder.resolve("lenet5.onnx");
        var fromOnnx = folder.resolve("onnx.safetensors");
        var fromOwn = folder.resolve("own.safetensors");
        var own = folder.resolve("own.onnx");
        Ran.of("convert", shared + ".pth", onnx, "--model", "lenet5_relu").lines();
        Ran.of("convert", shared + ".onnx", fromOnnx, "--model", "lenet5_relu").lines();
        Ran.of("convert", onnx, fromOwn, "--model", "lenet5_relu").lines();
        Ran.of("convert", onnx, own).lines();
        try (var expected = Weights.open(Path.of(shared + ".safetensors")); var pth = Weights.open(Path.of(shared + ".pth"));
                var first = Weights.open(fromOnnx); var second = Weights.open(fromOwn)) {
            assertEquals(expected.keys(), first.keys());
            for (var key : expected.keys()) {
                for (var other : new Weights[] {pth, first, second}) {
                    assertEquals(expected.tensor(key), other.tensor(key), other.source() + " " + key);
                }
            }
        }
        var input = folder.resolve("x.npy");
        Npy.write(input, GoldenFormula.tensor("input", Shape.of(4, 1, 28, 28)));
        var logits = folder.resolve("y.npy");
        Ran.of("forward", "lenet5_relu", "--weights", shared + ".pth", "--input", input, "--output", logits).lines();
        var expected = Npy.read(logits);
        Ran.of("forward", "--onnx", onnx, "--input", input, "--output", logits).lines();
        assertEquals(expected, Npy.read(logits));
        Ran.of("forward", "lenet5_relu", "--weights", fromOnnx, "--input", input, "--output", logits).lines();
        assertEquals(expected, Npy.read(logits));

        Ran.of("convert", onnx, fromOwn, "--model", "lenet5").fails(1, onnx, "lenet5");
        Ran.of("convert", onnx, fromOwn, "--model", "lenet_caffe").fails(1, onnx, "lenet_caffe expects conv of shape 20x1x5x5 for conv1");
        Ran.of("convert", shared + ".pth", onnx).fails(2, "--model");
        Ran.of("convert", onnx, own, "--model", "lenet5_relu").fails(2, "--model");
        Ran.of("convert", onnx, own, "--bits", "16").fails(2, "--bits");
    }

    /** A norm folded away, and branches: told by order, checked by running. */
    @Test
    void networksFromOnnxGetTheirNamesBack() throws IOException {
        for (var name : new String[] {"resnet20", "googlenet_cifar", "densenet_cifar"}) {
            var in = folder.resolve(name + ".safetensors");
            var back = folder.resolve("back.safetensors");
            var onnx = folder.resolve("n.onnx");
            var network = Networks.named(name);
            Safetensors.write(in, FormulaWeights.tensors(network, Arena.ofAuto()), Map.of());
            Ran.of("convert", in, onnx, "--model", name).lines();
            Ran.of("convert", onnx, back, "--model", name).lines();
            try (var expected = Weights.open(in); var found = Weights.open(back)) {
                assertEquals(expected.keys(), found.keys());
                for (var key : expected.keys()) assertEquals(expected.tensor(key), found.tensor(key), key);
            }
        }
    }

    @Test
    void whatCannotBeReadOrWritten() throws IOException {
        var in = save(Networks.named("lenet5"), UnaryOperator.identity());
        Ran.of("convert", in, folder.resolve("a.pth")).fails(2, "OUT", "a.pth");
        Ran.of("convert", folder.resolve("absent"), folder.resolve("a.safetensors")).fails(1, "absent", "no such file");
        var text = Files.writeString(folder.resolve("t.pth"), "what is this?");
        Ran.of("convert", text, folder.resolve("a.safetensors")).fails(1, text, "is this a safetensors file?");
        assertTrue(Files.notExists(folder.resolve("a.safetensors")));
    }
}
