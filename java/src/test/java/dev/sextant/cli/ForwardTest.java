// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.sextant.GoldenFormula;
import dev.sextant.Shape;
import dev.sextant.Shared;
import dev.sextant.io.Npy;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import dev.sextant.nn.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class ForwardTest {
    @TempDir
    private Path folder;
    private Path weights, output;

    @BeforeEach
    void setUp() throws IOException {
        weights = save(Networks.named("lenet5"));
        output = folder.resolve("y.npy");
    }

    private Path save(Network network) throws IOException {
        var tensors = network.parameters().stream().collect(Collectors.toMap(Parameter::key, p -> GoldenFormula.tensor(p.key(), p.shape())));
        var file = folder.resolve(network.name() + ".safetensors");
        Safetensors.write(file, tensors, Map.of());
        return file;
    }

    private Path input(Shape shape) throws IOException {
        var file = folder.resolve("x.npy");
        Npy.write(file, GoldenFormula.tensor("input", shape));
        return file;
    }

    private Ran forward(Shape shape, Object... more) throws IOException {
        var words = new ArrayList<Object>(List.of("forward", "lenet5", "--weights", weights, "--input", input(shape), "--output", output));
        words.addAll(List.of(more));
        return Ran.of(words.toArray());
    }

    @Test
    void agreesWithTheGoldenLogits() throws IOException {
        var golden = JsonMapper.shared().readTree(Shared.path("golden/lenet5-eval-2x28x28.json").toFile()).get("logits");
        assertEquals(List.of(), forward(Shape.of(2, 1, 28, 28), "--precision", "strict").lines());
        var logits = Npy.read(output);
        assertEquals(Shape.of(2, 10), logits.shape());
        for (int i = 0; i < 20; i++) assertEquals(golden.get(i / 10).get(i % 10).asDouble(), logits.get(i), 1e-5);
    }

    @Test
    void anyBatchGivesTheSameAsOneByOne() throws IOException {
        forward(Shape.of(37, 1, 28, 28)).lines(); // two runs of 16 and one of 5
        var all = Npy.read(output);
        assertEquals(Shape.of(37, 10), all.shape());
        var images = GoldenFormula.tensor("input", Shape.of(37, 1, 28, 28));
        for (int image : new int[] {0, 15, 16, 31, 32, 36}) {
            Npy.write(folder.resolve("x.npy"), images.slice(image));
            Ran.of("forward", "lenet5", "--weights", weights, "--input", folder.resolve("x.npy"), "--output", output).lines();
            var alone = Npy.read(output);
            assertEquals(Shape.of(1, 10), alone.shape());
            for (int i = 0; i < 10; i++) assertEquals(all.slice(image).get(i), alone.get(i), 1e-5);
        }
    }

    @Test
    void anInputOfAnotherShapeIsNamedBesideTheExpectedOne() throws IOException {
        forward(Shape.of(2, 3, 28, 28)).fails(1, "x.npy", "1x1x28x28", "2x3x28x28");
        forward(Shape.of(28, 28)).fails(1, "x.npy", "1x1x28x28", "28x28");
        forward(Shape.of(0, 1, 28, 28)).fails(1, "x.npy", "0x1x28x28");
        forward(Shape.of(1, 1, 40, 40)).fails(1, "400", "1024"); // fc1: 16x5x5 features expected, 16x8x8 found
        assertFalse(Files.exists(output));
    }

    @Test
    void missingAndForeignFiles() throws IOException {
        var absent = folder.resolve("absent");
        Ran.of("forward", "lenet5", "--weights", absent, "--input", input(Shape.of(1, 1, 28, 28)), "--output", output).fails(1, absent, "no such file");
        Ran.of("forward", "lenet5", "--weights", weights, "--input", absent, "--output", output).fails(1, absent, "no such file");
        Ran.of("forward", "lenet5", "--weights", weights, "--input", weights, "--output", output).fails(1, weights);
        Ran.of("forward", "lenet5", "--weights", folder, "--input", input(Shape.of(1, 1, 28, 28)), "--output", output).fails(1, folder);
        Ran.of("forward", "lenet5", "--weights", weights, "--input", input(Shape.of(1, 1, 28, 28)), "--output", absent.resolve("y.npy"))
            .fails(1, absent);
    }

    @Test
    void weightsOfAnotherNetworkAreNamedWithTheirKeys() throws IOException {
        var other = save(Networks.named("lenet_caffe"));
        Ran.of("forward", "lenet5", "--weights", other, "--input", input(Shape.of(1, 1, 28, 28)), "--output", output)
            .fails(1, other, "fc1.weight", "ip1.weight");
    }

    @Test
    void weightsWithAnotherCountOfClasses() throws IOException {
        weights = save(Networks.named("lenet5").classes(7));
        forward(Shape.of(3, 1, 28, 28)).lines();
        assertEquals(Shape.of(3, 7), Npy.read(output).shape());
    }
}
