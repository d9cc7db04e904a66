// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import dev.sextant.Shared;
import dev.sextant.image.Labels;
import dev.sextant.nn.Layers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Definitions against what others say of the same networks: counts, keys, shapes, arithmetic. */
class NetworksTest {
    /** Trainable parameters: torchvision's counts, for the rest those of the papers' authors or of golden/. */
    @ParameterizedTest
    @CsvSource({
        "lenet5, 61706", "lenet5_32, 61706", "lenet5_relu, 44426", "lenet_caffe, 431080", "alexnet, 61100840", "alexnet_2012, 60965224",
        "vgg11, 132863336", "vgg13, 133047848", "vgg16, 138357544", "vgg19, 143667240",
        "vgg11_bn, 132868840", "vgg13_bn, 133053736", "vgg16_bn, 138365992", "vgg19_bn, 143678248",
        "googlenet, 13004888", "googlenet_2014, 13378280", "resnet18, 11689512", "resnet34, 21797672", "resnet50, 25557032",
        "resnet101, 44549160", "resnet152, 60192808", "resnet50_v1, 25557032", "resnet101_v1, 44549160", "resnet152_v1, 60192808",
        "resnet20, 269722", "resnet32, 464154", "resnet44, 658586", "resnet56, 853018", "resnet110, 1727962",
        "densenet121, 7978856", "densenet161, 28681000", "densenet169, 14149480", "densenet201, 20013928", "densenet_bc_100_12, 769162",
        "lenet5_cifar, 1287274", "alexnet_cifar, 1459722", "vgg_cifar, 2377354", "googlenet_cifar, 286762", "densenet_cifar, 310026",
        "plain20, 269722", "plain56, 853018"})
    void parameters(String name, long expected) {
        assertEquals(expected, Networks.named(name).trainable());
    }

    @ParameterizedTest
    @MethodSource("names")
    void isWhole(String name) {
        var network = Networks.named(name);
        assertEquals(name, network.name());
        assertEquals(Shape.of(network.labels().size()), network.output());
        assertTrue(network.layers().stages().size() >= 2);
        var seven = network.classes(7);
        assertEquals(Shape.of(7), seven.output());
        assertEquals("6", seven.labels().name(6));
        assertEquals(network.body(), seven.classes(network.labels().size()).body());
        assertTrue(Layers.of(seven.body(), seven.input()).all().stream().filter(l -> l.type().equals("linear"))
            .noneMatch(l -> l.output().equals(network.output())), "a head kept its number of classes");
    }

    @ParameterizedTest
    @MethodSource("torchvision")
    void keysAndShapesAreTorchvisions(String name, Map<String, Shape> expected) {
        assertEquals(expected, keys(Networks.named(name)));
    }

    @ParameterizedTest
    @CsvSource({"resnet50_v1, resnet50", "resnet101_v1, resnet101", "resnet152_v1, resnet152", "lenet5_32, lenet5", "plain20, resnet20",
        "plain56, resnet56"})
    void variantsTakeTheSameWeights(String variant, String of) {
        assertEquals(keys(Networks.named(of)), keys(Networks.named(variant)));
    }

    @ParameterizedTest
    @CsvSource({"resnet20, resnet20-cifar10", "resnet56, resnet56-cifar10", "lenet5_relu, lenet5-mnist", "lenet_caffe, lenet-caffe-mnist"})
    void keysAreThoseOfRealCheckpoints(String name, String file) throws IOException {
        var path = Shared.path("data/weights/" + file + ".safetensors");
        var bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        var header = new byte[(int) bytes.getLong()];
        bytes.get(header);
        var found = new TreeMap<String, Shape>();
        new ObjectMapper().readTree(header).properties().forEach(entry -> {
            var key = entry.getKey().replaceFirst("^module\\.", "");
            if (!key.equals("__metadata__")) found.put(key, shape(entry.getValue().get("shape")));
        });
        assertEquals(found, keys(Networks.named(name)));
    }

    @ParameterizedTest
    @CsvSource({"alexnet-eval-1x224x224", "alexnet_2012-eval-1x224x224", "densenet121-eval-1x224x224", "googlenet-eval-1x224x224",
        "googlenet_2014-eval-1x224x224", "lenet5-eval-2x28x28", "resnet18-eval-1x224x224", "resnet50-eval-1x224x224", "vgg11_bn-eval-1x224x224",
        "vgg16-eval-1x224x224"})
    void stagesAreThoseOfGolden(String file) throws IOException {
        var golden = new ObjectMapper().readTree(Files.readAllBytes(Shared.path("golden/" + file + ".json")));
        var network = Networks.named(golden.get("network").asString());
        assertEquals(golden.get("parameters").asLong(), network.trainable());
        var stages = network.layers().stages();
        golden.get("stages").properties().forEach(stage -> {
            var expected = shape(stage.getValue().get("shape")).dropFirst();
            assertNotNull(stages.get(stage.getKey()), stage.getKey() + " is no stage, these are: " + stages.keySet());
            assertEquals(expected, stages.get(stage.getKey()), stage.getKey());
        });
    }

    /**
     * Multiply-adds in millions, as torchvision's documentation and fvcore state them; for the paper's networks counted by
     * hand.
     */
    @ParameterizedTest
    @CsvSource({"alexnet, 714", "vgg11, 7609", "vgg13, 11308", "vgg16, 15470", "vgg19, 19632", "googlenet, 1498", "resnet18, 1814", "resnet34, 3664",
        "resnet50, 4089", "resnet101, 7801", "resnet152, 11514", "densenet121, 2834", "densenet161, 7728", "densenet169, 3360", "densenet201, 4291",
        "resnet20, 40.8", "resnet110, 253", "lenet5, 0.4165", "googlenet_2014, 1582", "alexnet_2012, 724"})
    void arithmetic(String name, double millions) {
        double found = Networks.named(name).layers().flops() / 2e6;
        assertEquals(millions, found, 0.01 * millions);
    }

    @Test
    void otherInputSizes() {
        assertEquals(Shape.of(1000), Networks.named("resnet50").at(97, 130).output());
        assertEquals(Shape.of(512, 2, 2), Networks.named("resnet18").at(64, 64).layers().stages().get("layer4"));
        assertEquals(Shape.of(512, 1, 1), Networks.named("resnet18").at(1, 1).layers().stages().get("layer4"));
        assertEquals(Shape.of(512, 2, 2), Networks.named("vgg11_bn").at(64, 64).layers().stages().get("features"));
        assertEquals(Shape.of(1024, 2, 2), Networks.named("densenet121").at(64, 64).layers().stages().get("features"));
        assertEquals(keys(Networks.named("vgg16")), keys(Networks.named("vgg16").at(300, 200)));
        assertEquals(keys(Networks.named("alexnet")), keys(Networks.named("alexnet").at(227, 227)));
        assertEquals(Shape.of(1000), Networks.named("googlenet_2014").at(64, 64).output(), "heads do not fit, and inference needs none");
        assertEquals("features.20: max pool 2x2 expects at least 2x2 pixels, input 512x1x1 is too small",
            assertThrows(IllegalArgumentException.class, () -> Networks.named("vgg11").at(16, 16)).getMessage());
    }

    /** Every family has a member small enough to learn CIFAR-10 in minutes, in channels that fill the vectors of a processor. */
    @ParameterizedTest
    @ValueSource(strings = {"lenet5_cifar", "alexnet_cifar", "vgg_cifar", "googlenet_cifar", "resnet20", "densenet_cifar"})
    void cifarMembers(String name) {
        var network = Networks.named(name);
        assertEquals(Shape.of(3, 32, 32), network.input());
        assertEquals(Labels.cifar10(), network.labels());
        assertTrue(network.layers().flops() < 85e6, network.layers().flops() + " flops");
        for (var layer : network.layers().all()) {
            if (layer.type().equals("conv")) assertEquals(0, layer.output().dim(0) % 16, layer.path());
        }
        assertTrue(network.parameters().stream().noneMatch(p -> p.key().isEmpty() || p.key().startsWith(".")));
    }

    /** The same 56 layers, with and without what joins input and output of a block. */
    @Test
    void plainNetworksLackShortcutsOnly() {
        var residual = Networks.named("resnet56").layers();
        var plain = Networks.named("plain56").layers();
        var sums = residual.all().stream().filter(l -> l.type().equals("add") || l.type().equals("shortcut")).count();
        assertTrue(sums >= 27, sums + " sums and shortcuts");
        assertEquals(residual.all().stream().filter(l -> l.type().equals("conv")).toList(), plain.all().stream().filter(l -> l.type().equals("conv"))
            .toList());
        assertTrue(plain.all().stream().noneMatch(l -> l.type().equals("add") || l.type().equals("shortcut")));
    }

    @Test
    void caffesPoolRoundsUpWithoutPadding() {
        assertEquals(Shape.of(64, 56, 56), Networks.named("resnet50_v1").layers().stages().get("maxpool"));
        var first = Networks.named("resnet50_v1").layers().all().stream().filter(l -> l.path().equals("layer2.0.conv1")).toList();
        assertEquals(Shape.of(128, 28, 28), first.getFirst().output());
        assertEquals(2L * 128 * 256 * 28 * 28, first.getFirst().flops());
    }

    @Test
    void namesAreForgivingAndErrorsHelp() {
        assertEquals("resnet50_v1", Networks.named("ResNet50-v1").name());
        assertEquals("vgg16_bn", Networks.named("VGG-16-bn").name());
        var message = assertThrows(IllegalArgumentException.class, () -> Networks.named("resnet51")).getMessage();
        assertTrue(message.startsWith("unknown network 'resnet51', did you mean resnet"), message);
        assertTrue(message.contains("resnet50"), message);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Networks.named("gogglenet")).getMessage().contains("googlenet"));
        assertEquals(41, Networks.names().size());
        assertEquals(Networks.names(), Networks.entries().stream().map(Networks.Entry::name).toList());
    }

    @Test
    void partsMustFitEachOther() {
        var network = Networks.named("lenet5");
        assertThrows(IllegalArgumentException.class, () -> network.with(Labels.imagenet()));
        assertThrows(IllegalArgumentException.class, () -> network.with(network.preprocessing().crop(30, 30)));
        var open = new Network("open", seq(linear(10), relu()), network.input(), network.preprocessing(), network.labels());
        assertEquals("open: expects a linear layer at its end for the classes, found relu()",
            assertThrows(IllegalArgumentException.class, () -> open.classes(3)).getMessage());
        assertEquals("cat", Networks.named("resnet20").labels().name(3));
    }

    private static Stream<String> names() {
        return Networks.names().stream();
    }

    /** Each of torchvision's networks with the keys and shapes of its state_dict, the counters of batches left out. */
    private static Stream<Arguments> torchvision() throws IOException {
        var all = new LinkedHashMap<String, Map<String, Shape>>();
        Map<String, Shape> current = Map.of();
        try (var in = NetworksTest.class.getResourceAsStream("/torchvision-keys.txt.gz")) {
            for (var line : new String(new GZIPInputStream(in).readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                var words = line.split(" ");
                if (words[0].equals("#")) {
                    all.put(words[1], current = new TreeMap<>());
                } else {
                    current.put(words[0], Shape.parse(words[1]));
                }
            }
        }
        assertEquals(19, all.size());
        return all.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
    }

    private static Map<String, Shape> keys(Network network) {
        var keys = new TreeMap<String, Shape>();
        for (var parameter : network.parameters()) keys.put(parameter.key(), parameter.shape());
        return keys;
    }

    private static Shape shape(JsonNode dims) {
        return Shape.of(IntStream.range(0, dims.size()).map(i -> dims.get(i).asInt()).toArray());
    }
}
