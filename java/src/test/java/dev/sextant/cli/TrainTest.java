// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shared;
import dev.sextant.io.Safetensors;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** On the first pictures of MNIST. */
class TrainTest {
    private static final int TRAINING = 1200, TEST = 200;
    private static final Map<String, String> QUICK = Map.of("--epochs", "2", "--batch", "48", "--lr", "0.05", "--augment",
        "crop:1",
        "--threads", "2");

    @TempDir
    static Path folder;

    static Path mnist;

    @BeforeAll
    static void writeData() throws IOException {
        mnist = Files.createDirectories(folder.resolve("mnist"));
        part("train", TRAINING);
        part("t10k", TEST);
    }

    private static void part(String name, int count) throws IOException {
        var pictures = head(Shared.path("data/mnist/" + name + "-images-idx3-ubyte.gz"), 16 + count * 784);
        var labels = head(Shared.path("data/mnist/" + name + "-labels-idx1-ubyte.gz"), 8 + count);
        ByteBuffer.wrap(pictures).putInt(4, count);
        ByteBuffer.wrap(labels).putInt(4, count);
        Files.write(mnist.resolve(name + "-images-idx3-ubyte"), pictures);
        Files.write(mnist.resolve(name + "-labels-idx1-ubyte"), labels);
    }

    private static byte[] head(Path file, int bytes) throws IOException {
        var head = new byte[bytes];
        try (var in = new DataInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
            in.readFully(head);
        }
        return head;
    }

    private static Ran train(Object... more) {
        var words = new ArrayList<Object>(List.of("train", "lenet5_relu", "mnist", "--data", folder));
        QUICK.forEach((option, value) -> {
            if (!List.of(more).contains(option)) words.addAll(List.of(option, value));
        });
        words.addAll(List.of(more));
        return Ran.of(words.toArray());
    }

    @Test
    void fromPicturesToWeights(@TempDir Path out) throws Exception {
        var weights = out.resolve("w.safetensors");
        var metrics = out.resolve("m.jsonl");
        var report = out.resolve("r.html");
        var lines = train("--output", weights, "--metrics", metrics, "--report", report).lines();
        assertTrue(lines.get(0).startsWith("lenet5_relu on mnist: 1,200 pictures of 10 classes, 200 to test on; "), lines.get(0));
        assertTrue(lines.get(1).startsWith("sextant train lenet5_relu mnist --epochs 2 --batch 48 --lr 0.05 --schedule onecycle --optimizer sgd "
            + "--momentum 0.9 --nesterov --weight-decay 0.0005 --decay all --smoothing 0 --clip 0 --augment crop:1 --seed 1 --precision fp32 "
            + "--threads 2"), lines.get(1));
        assertTrue(lines.get(3).stripLeading().startsWith("EPOCH"), lines.get(3));
        assertTrue(lines.get(5).stripLeading().startsWith("2/2"), lines.get(5));
        assertTrue(lines.getLast().equals("report: " + report), lines.getLast());

        var measured = Files.readAllLines(metrics).stream().map(line -> JsonMapper.shared().readTree(line)).toList();
        var steps = measured.stream().filter(line -> line.get("kind").asString().equals("steps")).toList();
        var epochs = measured.stream().filter(line -> line.get("kind").asString().equals("epoch")).toList();
        assertEquals(50, steps.size());
        assertEquals(2, epochs.size());
        assertTrue(mean(steps, 40, 50) < 0.5 * mean(steps, 0, 10), "the loss falls");
        double top1 = epochs.getLast().get("top1").asDouble();
        assertTrue(top1 > 0.7, "top-1 " + top1);

        var json = JsonMapper.shared().readTree(Ran.of("evaluate", "lenet5_relu", "mnist", "--data", folder, "--weights",
            weights, "--json",
            "--batch", "33").lines().getFirst());
        assertEquals(TEST, json.get("samples").asInt());
        assertEquals(top1, json.get("top1").asDouble(), 0.011, "one of 200 may lie on the edge");
        assertEquals(10, json.get("confusion").size());
        try (var stored = Safetensors.open(weights)) {
            assertEquals(lines.get(1), stored.metadata().get("sextant.training.command"));
        }
        page(report);
    }

    private static double mean(List<JsonNode> lines, int from, int to) {
        return lines.subList(from, to).stream().mapToDouble(line -> line.get("loss").asDouble()).average().orElseThrow();
    }

    private static void page(Path report) throws Exception {
        var text = Files.readString(report);
        assertFalse(text.contains("<script"), "no scripts");
        assertFalse(text.replace("http://www.w3.org/1999/xhtml", "").contains("://"), "nothing from elsewhere");
        var page = DocumentBuilderFactory.newInstance().newDocumentBuilder()
            .parse(new ByteArrayInputStream(text.substring(text.indexOf("<html")).getBytes(StandardCharsets.UTF_8)));
        assertEquals(5, page.getElementsByTagName("svg").getLength(), "four charts and the matrix");
        assertEquals(6, page.getElementsByTagName("polyline").getLength());
        assertEquals(100, page.getElementsByTagName("rect").getLength());
        int pictures = page.getElementsByTagName("img").getLength();
        assertTrue(pictures > 0 && pictures <= 24, "mistakes: " + pictures);
    }

    @Test
    void resumedGivesTheSameFile(@TempDir Path out) throws IOException {
        var whole = out.resolve("whole");
        train("--checkpoint", whole).lines();
        // One epoch of the same schedule is not the same as the whole of a shorter one: stop the second by another way.
        var parts = out.resolve("parts");
        var metrics = out.resolve("m.jsonl");
        train("--checkpoint", parts, "--metrics", metrics).lines();
        var first = Files.readAllBytes(parts.resolve("weights.safetensors"));
        assertArrayEquals(Files.readAllBytes(whole.resolve("weights.safetensors")), first, "same seed and threads, same bits");
        train("--checkpoint", parts).fails(1, "training.safetensors: is there already: go on from it with --resume");
        var again = train("--checkpoint", parts, "--resume", "--metrics", metrics).lines();
        assertTrue(again.contains("going on after step 50 of 50"), again::toString);
        assertArrayEquals(first, Files.readAllBytes(parts.resolve("weights.safetensors")), "nothing left to do");
        var longer = train("--checkpoint", parts, "--resume", "--epochs", "3", "--metrics", metrics).lines();
        assertTrue(longer.contains("going on after step 50 of 75"), longer::toString);
        assertEquals(75 + 3, Files.readAllLines(metrics).size(), "no step twice");
        train("--checkpoint", parts, "--resume", "--batch", "50").fails(2,
            "--batch: the checkpoint to go on from was made with 48, found 50");
        train("--checkpoint", parts, "--resume", "--seed", "5").fails(2, "--seed: ");
        Ran.of("train", "lenet5", "mnist", "--data", folder, "--checkpoint", parts, "--resume")
            .fails(1, "checkpoint: expects one of lenet5, found one of lenet5_relu");
    }

    @Test
    void beginsWithGivenWeights(@TempDir Path out) throws IOException {
        var weights = Shared.path("data/weights/lenet5-mnist.safetensors");
        var lines = Ran.of("train", "lenet5_relu", "mnist", "--data", folder, "--weights", weights, "--epochs", "1", "--lr",
            "0.0001", "--output",
            out.resolve("w.safetensors")).lines();
        assertTrue(lines.stream().anyMatch(line -> line.matches("test: top-1 (9[5-9]|100)\\.\\d\\d %.*")), lines::toString);
    }

    @Test
    void whatCannotBe(@TempDir Path out) throws IOException {
        train("--output", out.resolve("none/w.safetensors")).fails(1,
            "none/w.safetensors: cannot be written, its folder does not exist");
        train("--resume").fails(2, "--resume: expects --checkpoint DIR");
        train("--schedule", "cosin").fails(2, "--schedule", "expects constant, step:0.5,0.75");
        train("--optimizer", "adamw", "--momentum", "0.5").fails(2, "--momentum: only sgd has it, found adamw");
        train("--epochs", "0").fails(2);
        train("--weights", out.resolve("none.safetensors")).fails(1, "none.safetensors: there is no such file");
        var output = out.resolve("w.safetensors");
        Ran.of("train", "lenet5", "mnist", "--data", out, "--output", output).fails(1, "expected train-images-idx3-ubyte");
        Ran.of("train", "lenet5", out.resolve("nowhere"), "--output", output).fails(1, "nowhere: there is no such file");
        train("--output", output, "--lr", "1e30", "--schedule", "constant").fails(1, "training: step ", " has the loss ");
        assertFalse(Files.exists(output));
    }

    @Test
    void labelOutOfRange(@TempDir Path out) throws IOException {
        var broken = Files.createDirectories(out.resolve("mnist"));
        try (var files = Files.list(mnist)) {
            for (var file : files.toList()) Files.copy(file, broken.resolve(file.getFileName()));
        }
        var labels = Files.readAllBytes(broken.resolve("train-labels-idx1-ubyte"));
        labels[8 + 77] = 12;
        Files.write(broken.resolve("train-labels-idx1-ubyte"), labels);
        Ran.of("train", "lenet5", "mnist", "--data", out, "--output", out.resolve("w.safetensors"))
            .fails(1, "train-labels-idx1-ubyte: label 77 should be a digit from 0 to 9, found 12");
    }

    @Test
    void folderOfPictures(@TempDir Path out) throws IOException {
        for (var part : List.of("train", "val")) {
            for (var name : List.of("ring", "stroke")) {
                var pictures = Files.createDirectories(out.resolve("shapes").resolve(part).resolve(name));
                for (int i = 0; i < 12; i++) {
                    var image = new BufferedImage(40, 30, BufferedImage.TYPE_BYTE_GRAY);
                    var pen = image.createGraphics();
                    if (name.equals("ring")) pen.drawOval(8 + i % 4, 4 + i / 4, 18, 18);
                    else pen.drawLine(6 + i, 4, 20 + i % 5, 26);
                    pen.dispose();
                    ImageIO.write(image, "png", pictures.resolve(i + ".png").toFile());
                }
            }
        }
        var weights = out.resolve("w.safetensors");
        var command = new Object[] {"train", "lenet5_relu", "shapes", "--data", out, "--epochs", "10", "--batch", "8",
            "--output", weights};
        var lines = Ran.of(command).lines();
        assertTrue(lines.getFirst().startsWith("lenet5_relu on shapes: 24 pictures of 2 classes, 24 to test on"),
            lines.getFirst());
        try (var stored = Safetensors.open(weights)) {
            assertEquals("ring\nstroke", stored.metadata().get("sextant.labels"));
        }
        Ran.of("evaluate", "lenet5_relu", "shapes", "--data", out, "--weights", weights).lines();
        Files.writeString(out.resolve("shapes/train/ring/5.png"), "no picture");
        Ran.of(command).fails(1, Path.of("train/ring/5.png"));
    }

    @Test
    void benchOfTrainingSteps() {
        var lines = Ran.of("bench", "lenet5", "--train", "--batch", "8", "--seconds", "0", "--json").lines();
        var json = JsonMapper.shared().readTree(lines.getFirst());
        assertEquals("training step", json.get("run").asString());
        assertEquals(8, json.get("batch").asInt());
        assertTrue(json.get("images_per_second").asDouble() > 0);
        // Backward takes twice what forward takes, but for the first layer's gradient of the pictures.
        assertTrue(json.get("gflop_per_image").asDouble() > 2.2 * 833_040 / 1e9, json::toString);
    }
}
