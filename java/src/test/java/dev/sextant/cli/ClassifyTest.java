// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.GoldenFormula;
import dev.sextant.Shared;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import dev.sextant.nn.Parameter;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

class ClassifyTest {
    @TempDir
    private Path folder;
    private Path picture, weights;

    @BeforeEach
    void setUp() throws IOException {
        picture = folder.resolve("picture.png");
        var pixels = new BufferedImage(60, 40, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 60 * 40; i++) pixels.setRGB(i % 60, i / 60, i * 7919);
        ImageIO.write(pixels, "png", picture.toFile());
        weights = save(Networks.named("resnet20"), Map.of());
    }

    private Path save(Network network, Map<String, String> metadata) throws IOException {
        var tensors = network.parameters().stream().collect(Collectors.toMap(Parameter::key, p -> GoldenFormula.tensor(p.key(), p.shape())));
        var file = folder.resolve("weights-" + metadata.size() + ".safetensors");
        Safetensors.write(file, tensors, metadata);
        return file;
    }

    @Test
    void aTableForPeople() {
        var lines = Ran.of("classify", picture, "--model", "resnet20", "--weights", weights, "--top", "3").lines();
        assertTrue(lines.get(0).startsWith("FILE") && lines.get(0).endsWith("CLASS"), lines::toString);
        assertTrue(lines.get(1).startsWith(picture + " "), lines::toString);
        int column = lines.get(0).indexOf("CLASS");
        for (var line : lines.subList(1, 4)) assertTrue(Labels.cifar10().names().contains(line.substring(column)), line);
        assertTrue(lines.getLast().contains("resnet20") && lines.getLast().contains("ms"), lines::toString);
    }

    @Test
    void aLineOfJsonForEachImage() throws IOException {
        var second = Files.copy(picture, folder.resolve("größer.png"));
        var lines = Ran.of("classify", picture, second, "--model", "resnet20", "--weights", weights, "--top", "2", "--json").lines();
        assertEquals(2, lines.size());
        for (int i = 0; i < 2; i++) {
            var json = JsonMapper.shared().readTree(lines.get(i));
            assertEquals((i == 0 ? picture : second).toString(), json.get("file").asString());
            assertEquals("resnet20", json.get("model").asString());
            assertTrue(json.get("milliseconds").asDouble() > 0);
            assertEquals(2, json.get("top").size());
            var best = json.get("top").get(0);
            assertEquals(Labels.cifar10().name(best.get("index").asInt()), best.get("label").asString());
            assertTrue(best.get("probability").asDouble() >= json.get("top").get(1).get("probability").asDouble());
        }
    }

    @Test
    void allClassesAddUpToOne() {
        var lines = Ran.of("classify", picture, "--model", "resnet20", "--weights", weights, "--top", "99", "--json").lines();
        var top = JsonMapper.shared().readTree(lines.getFirst()).get("top");
        assertEquals(10, top.size());
        double sum = 0;
        for (var guess : top) sum += guess.get("probability").asDouble();
        assertEquals(1, sum, 1e-5);
    }

    @Test
    void aBrokenPictureIsReportedAndTheOthersAreClassified() throws IOException {
        var truncated = Files.write(folder.resolve("cut.png"), Arrays.copyOf(Files.readAllBytes(picture), 200));
        var text = Files.writeString(folder.resolve("text.jpg"), "not a picture");
        var ran = Ran.of("classify", truncated, picture, folder.resolve("absent.jpg"), text, "--model", "resnet20", "--weights", weights, "--json");
        assertEquals(1, ran.status());
        assertEquals(1, ran.out().lines().count(), ran.out());
        var errors = ran.err().lines().toList();
        assertEquals(3, errors.size(), ran.err());
        assertTrue(errors.get(0).contains("cut.png") && errors.get(1).contains("absent.jpg") && errors.get(2).contains("text.jpg"), ran.err());
    }

    @Test
    void theFilterThatResizesCanBeChosen() throws IOException {
        var large = Shared.path("data/images/224/goldfish.png");
        Object[] words = {"classify", large, "--model", "resnet20", "--weights", weights, "--top", "10", "--filter", "bilinear"};
        var bilinear = Ran.of(words).lines();
        assertEquals(bilinear.subList(0, 10), Ran.of(Arrays.copyOf(words, words.length - 2)).lines().subList(0, 10));
        words[words.length - 1] = "bicubic";
        assertNotEquals(bilinear.subList(0, 10), Ran.of(words).lines().subList(0, 10));
        words[words.length - 1] = "cubic";
        Ran.of(words).fails(2, "--filter: expects bilinear or bicubic, found 'cubic'");
    }

    @Test
    void labelsFromAFile() throws IOException {
        var labels = Files.write(folder.resolve("labels.txt"), Stream.iterate(0, i -> i + 1).limit(10).map(i -> "class " + (char) ('a' + i)).toList());
        var lines = Ran.of("classify", picture, "--model", "resnet20", "--weights", weights, "--labels", labels, "--top", "1").lines();
        assertTrue(lines.get(1).matches(".* class [a-j]"), lines::toString);
        Files.write(labels, List.of("one", "two"));
        Ran.of("classify", picture, "--model", "resnet20", "--weights", weights, "--labels", labels).fails(1, labels, "10 classes", "found 2");
    }

    @Test
    void theWeightsFileSaysHowPicturesAndClassesAre() throws IOException {
        var metadata = new HashMap<>(Preprocessing.CIFAR10.at(40, 40).toMetadata());
        metadata.putAll(new Labels(List.of("left", "right")).toMetadata());
        var own = save(Networks.named("resnet20").classes(2), metadata);
        var lines = Ran.of("classify", picture, "--model", "resnet20", "--weights", own, "--top", "1").lines();
        assertTrue(lines.get(1).matches(".* (left|right)"), lines::toString);
    }

    @Test
    void missingOptionsAndFiles() {
        Ran.of("classify", picture, "--model", "resnet32").fails(2, "expects --weights F", "resnet32");
        Ran.of("classify", "--model", "resnet20", "--weights", weights).fails(2, "IMAGE");
        Ran.of("classify", picture, "--model", "resnet20", "--weights", folder.resolve("absent")).fails(1, "absent", "no such file");
        Ran.of("classify", picture, "--model", "resnet20", "--weights", picture).fails(1, picture);
        Ran.of("classify", picture, "--model", "resnet32", "--weights", weights).fails(1, weights, "layer1.3.conv1.weight");
    }

    /** The README's first command. */
    @Test
    void builtInWeightsReadADigit() {
        var lines = Ran.of("classify", "../docs/digit.png", "--top", "1", "--json").lines();
        var answer = JsonMapper.shared().readTree(lines.getFirst());
        assertEquals("lenet5", answer.get("model").asString());
        assertEquals("2", answer.get("top").get(0).get("label").asString());
        var photo = Ran.of("classify", picture, "--model", "resnet20", "--top", "1", "--json").lines();
        assertTrue(Labels.cifar10().names().contains(JsonMapper.shared().readTree(photo.getFirst()).get("top").get(0).get("label").asString()));
    }

    @ParameterizedTest
    @CsvSource({"kitten, tabby", "golden_retriever, golden retriever", "goldfish, goldfish", "waffle_iron, waffle iron", "jack_o_lantern, jack-o'-lantern"})
    void photographs(String photo, String label) {
        var file = Shared.path("data/images/photos/" + photo + ".jpg");
        var resnet50 = Shared.path("data/weights/resnet50-imagenet-int8.safetensors.gz");
        var lines = Ran.of("classify", file, "--model", "resnet50_v1", "--weights", resnet50, "--top", "1", "--json").lines();
        assertEquals(label, JsonMapper.shared().readTree(lines.getFirst()).get("top").get(0).get("label").asString());
    }
}
