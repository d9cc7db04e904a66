// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.models.Networks;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import tools.jackson.databind.json.JsonMapper;

class ProfileTest {
    @Test
    void tableHasARowForEachStep() {
        var lines = Ran.of("profile", "lenet5", "--batch", "2", "--threads", "1", "--repeat", "3").lines();
        assertTrue(lines.get(0).startsWith("lenet5 on 2x1x28x28, "), lines.get(0));
        assertTrue(lines.get(0).contains("1 thread, fp32: medians of 3 runs on "), lines.get(0));
        assertTrue(lines.get(1).matches("at best fp32 [\\d.,]+ GFLOP/s, memory [\\d.,]+ GB/s"), lines.get(1));
        int steps = steps();
        for (int i = 1; i <= steps; i++) assertTrue(lines.get(3 + i).stripLeading().startsWith(i + "  "), lines.get(3 + i));
        assertTrue(lines.get(4 + steps).matches("-+"), lines::toString);
        assertTrue(lines.get(5 + steps).contains(steps + " steps") && lines.get(5 + steps).contains("100.0 %"), lines::toString);
        assertEquals(6 + steps, lines.size());
    }

    @Test
    void jsonSharesAreAWhole() {
        var lines = Ran.of("profile", "lenet5", "--precision", "strict", "--repeat", "5", "--json").lines();
        assertEquals(1, lines.size());
        var json = JsonMapper.shared().readTree(lines.getFirst());
        assertEquals("strict", json.get("precision").asString());
        assertEquals(5, json.get("runs").asInt());
        assertTrue(json.get("peak").get("fp32_gflop_per_second").asDouble() > 0);
        var steps = json.get("steps");
        assertEquals(steps(), steps.size());
        double shares = 0, milliseconds = 0;
        long flops = 0;
        for (var step : steps) {
            shares += step.get("share").asDouble();
            milliseconds += step.get("ms").asDouble();
            flops += step.get("flops").asLong();
            // Each reads a source and writes its result.
            assertTrue(step.get("bytes").asLong() > step.get("weight_bytes").asLong(), step::toString);
        }
        assertEquals(1, shares, 1e-6);
        assertEquals(json.get("ms").asDouble(), milliseconds, 1e-5);
        assertTrue(flops >= 833_040, "two convolutions and three linear layers, see BenchTest");
    }

    @Test
    void pageIsWellFormedAndShowsEachStepOnce(@TempDir Path folder) throws Exception {
        var file = folder.resolve("lenet5.html");
        var lines = Ran.of("profile", "lenet5", "--repeat", "3", "--html", file).lines();
        assertEquals("the page is in " + file, lines.getLast());
        var text = Files.readString(file);
        assertFalse(text.contains("<script"), "no scripts");
        assertFalse(text.replace("http://www.w3.org/1999/xhtml", "").contains("://"), "nothing from elsewhere");
        var page = parse(text);
        int steps = steps();
        var rows = all(page, "tbody").getFirst().getElementsByTagName("tr");
        assertEquals(steps, rows.getLength());
        for (int i = 0; i < steps; i++) assertEquals("step-" + (i + 1), ((Element) rows.item(i)).getAttribute("id"));
        assertEquals(steps, all(page, "g").size(), "a column each");
        assertEquals(steps, all(page, "circle").size(), "all of LeNet's steps compute");
    }

    @Test
    void labelsOfTheChartsDoNotCollide() throws Exception {
        for (var name : List.of("resnet20", "densenet_bc_100_12")) {
            try (var device = Device.cpu(1); var model = Model.random(Networks.named(name), 1);
                    var predictor = model.predictor(device)) {
                var times = StepTimes.of(name, predictor, Precision.FP32, device, 1);
                var boxes = new ArrayList<double[]>();
                for (var label : all(parse(ProfilePage.of(times)), "text")) {
                    if (!label.getAttribute("class").equals("name")) continue;
                    double x = Double.parseDouble(label.getAttribute("x")), y = Double.parseDouble(label.getAttribute("y"));
                    boxes.add(new double[] {x, y, x + 6 * label.getTextContent().length(), y + 12});
                }
                for (var a : boxes) {
                    long met = boxes.stream().filter(b -> a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]).count();
                    assertEquals(1, met, "each meets itself alone");
                }
            }
        }
    }

    @Test
    void algorithmsAndOperationsAreForPeople() throws Exception {
        try (var device = Device.cpu(1); var model = Model.random(Networks.named("resnet20"), 1);
                var predictor = model.predictor(device)) {
            var times = StepTimes.of("resnet20", predictor, Precision.FP32, device, 1);
            for (var row : times.rows()) {
                assertFalse(row.operation().contains("%"), row::operation);
                assertFalse(row.algorithm().matches(".*(f32|avx|portable|_).*"), row::algorithm);
            }
            assertEquals(1, times.rows().stream().mapToDouble(StepTimes.Row::share).sum(), 1e-9);
        }
    }

    @Test
    void whatCannotBe(@TempDir Path folder) {
        Ran.of("profile", "lenet5", "--repeat", "0").fails(2, "--repeat: expects at least 1, found 0");
        Ran.of("profile", "lenet5", "--batch", "-1").fails(2, "--batch: expects at least 1, found -1");
        Ran.of("profile", "lenet5", "--repeat", "1", "--html", folder.resolve("none/page.html")).fails(1, "none/page.html");
    }

    @Test
    void scales() {
        var linear = new ChartScale(0, 50, 100, 0, false);
        assertEquals(List.of(0.0, 10.0, 20.0, 30.0, 40.0, 50.0), linear.ticks());
        assertEquals(50, linear.at(25));
        var logarithmic = new ChartScale(0.1, 1000, 0, 400, true);
        assertEquals(List.of(0.1, 1.0, 10.0, 100.0, 1000.0), logarithmic.ticks());
        assertEquals(200, logarithmic.at(10), 1e-9);
        assertEquals(List.of("0.1", "2", "1,000"), List.of(ChartScale.label(0.1), ChartScale.label(2), ChartScale.label(1000)));
    }

    @Test
    void markupEscapesAndCloses() throws Exception {
        var markup = new Markup().open("p", "title", "a \"b\" & <c>", "x", 1.25).text("1 < 2 & 3\u0007");
        assertThrows(IllegalStateException.class, markup::toString);
        var element = parse(markup.close().toString()).getDocumentElement();
        assertEquals("a \"b\" & <c>", element.getAttribute("title"));
        assertEquals("1 < 2 & 3?", element.getTextContent());
        assertThrows(IllegalArgumentException.class, () -> markup.style("a::before { content: '<' }"));
    }

    private static int steps() {
        try (var device = Device.cpu(1); var model = Model.random(Networks.named("lenet5"), 1); var predictor = model.predictor(device)) {
            return predictor.steps().size();
        }
    }

    private static Document parse(String text) throws Exception {
        var factory = DocumentBuilderFactory.newInstance();
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(text.replace("<!DOCTYPE html>", "").getBytes(StandardCharsets.UTF_8)));
    }

    private static List<Element> all(Document page, String tag) {
        var found = page.getElementsByTagName(tag);
        return IntStream.range(0, found.getLength()).mapToObj(i -> (Element) found.item(i)).toList();
    }
}
