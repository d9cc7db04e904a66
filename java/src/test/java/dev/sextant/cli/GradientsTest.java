// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sextant gradients}: both networks of a depth are trained, and every layer of them stands in the table and the picture. */
final class GradientsTest {
    @TempDir
    Path folder;

    private List<String[]> run(String depths, Object... more) throws IOException {
        var words = new Object[] {"gradients", "--depth", depths, "--steps", "3", "--batch", "4", "--output", folder.resolve("out")};
        var all = Arrays.copyOf(words, words.length + more.length);
        System.arraycopy(more, 0, all, words.length, more.length);
        var ran = Ran.of(all);
        assertEquals(0, ran.status(), ran::toString);
        assertTrue(ran.err().contains("random"), "no word that there is no data: " + ran);
        return Files.readAllLines(folder.resolve("out/gradients.csv")).stream().map(line -> line.split(",")).toList();
    }

    @Test
    void bothNetworksLayerByLayer() throws IOException {
        var rows = run("8");
        assertEquals(List.of("network", "layer", "weights", "first_step", "last_steps"), List.of(rows.getFirst()));
        assertEquals(1 + 2 * 7, rows.size(), "7 convolutions each");
        assertEquals(List.of("plain8", "1", "conv1.weight"), List.of(rows.get(1)).subList(0, 3));
        assertEquals(List.of("resnet8", "7", "layer3.0.conv2.weight"), List.of(rows.getLast()).subList(0, 3));
        for (var row : rows.subList(1, rows.size())) {
            assertTrue(Double.parseDouble(row[3]) > 0 && Double.parseDouble(row[4]) > 0, String.join(",", row));
        }
        var picture = ImageIO.read(folder.resolve("out/gradients.png").toFile());
        assertTrue(picture.getWidth() > 400 && picture.getHeight() > 200, "a chart of " + picture.getWidth() + "x" + picture.getHeight());
    }

    @Test
    void withoutNormsHalfOfAGradientIsLostInEachLayer() throws IOException {
        var rows = run("20,32", "--no-norm").stream().skip(1).toList();
        double plain20 = first(rows, "plain20"), plain32 = first(rows, "plain32"), resnet32 = first(rows, "resnet32");
        assertTrue(plain32 < plain20 / 8, "12 more layers: " + plain20 + " became " + plain32);
        assertTrue(resnet32 > 100 * plain32, "a sum with the identity: " + resnet32 + " against " + plain32);
    }

    /** Length of the gradient next to the pictures, before anything is learnt. */
    private static double first(List<String[]> rows, String network) {
        return Double.parseDouble(rows.stream().filter(row -> row[0].equals(network)).findFirst().orElseThrow()[3]);
    }

    @Test
    void wrongNumbersAreTold() {
        Ran.of("gradients", "--depth", "21").fails(2, "--depth", "6n + 2", "21");
        Ran.of("gradients", "--steps", "0").fails(2, "--steps", "0");
        Ran.of("gradients", "--lr", "-1").fails(2, "--lr", "-1");
        Ran.of("gradients", "--init", "zeros").fails(2, "--init", "he, xavier or lecun", "zeros");
        Ran.of("gradients", "--data", folder.resolve("nowhere")).fails(1, "nowhere");
    }
}
