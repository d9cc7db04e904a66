// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.models.Networks;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The commands that only tell: {@code summary}, {@code models}, {@code devices}. */
class CatalogueTest {
    @Test
    void summaryOfLeNet() {
        assertEquals("""
            lenet5 on 1x28x28

            LAYER      TYPE                  OUTPUT  PARAMETERS    MFLOP
            conv1      conv 5x5             6x28x28         156    0.235
            1          tanh                 6x28x28           -        -
            2          average pool 2x2/2   6x14x14           -        -
            conv2      conv 5x5            16x10x10       2,416    0.480
            4          tanh                16x10x10           -        -
            5          average pool 2x2/2    16x5x5           -        -
            fc1        linear                   120      48,120  0.09600
            7          tanh                     120           -        -
            fc2        linear                    84      10,164  0.02016
            9          tanh                      84           -        -
            fc3        linear                    10         850  0.00168
            ------------------------------------------------------------
            11 layers                            10      61,706    0.833

            parameters  61,706, 0.235 MiB of float32 with the statistics of batch norms
            arithmetic  0.00083 GFLOP an image""".lines().toList(), Ran.of("summary", "lenet5").lines());
    }

    @Test
    void summaryCountsWhatThePapersCount() {
        var googlenet = String.join("\n", Ran.of("summary", "googlenet").lines());
        assertTrue(googlenet.contains("6,624,904"), googlenet); // torchvision's without its heads
        assertTrue(googlenet.contains("and 6,379,984 in the auxiliary heads"), googlenet);
        var resnet = String.join("\n", Ran.of("summary", "resnet50").lines());
        assertTrue(resnet.contains("25,557,032"), resnet);
        assertTrue(resnet.contains("layer4.2.conv3"), resnet);
    }

    @Test
    void summaryAtAnotherSize() {
        var lines = Ran.of("summary", "resnet18", "--input", "3x97x131").lines();
        assertEquals("resnet18 on 3x97x131", lines.getFirst());
        assertTrue(lines.stream().anyMatch(line -> line.startsWith("conv1 ") && line.contains("64x49x66")), lines::toString);
        Ran.of("summary", "resnet18", "--input", "3x97").fails(2, "--input", "expects channels x height x width", "'3x97'");
        Ran.of("summary", "resnet18", "--input", "axb").fails(2, "--input", "'axb'");
        Ran.of("summary", "lenet5", "--input", "1x3x3").fails(1, "conv2", "too small");
    }

    @Test
    void modelsListsTheWholeCatalogue() {
        var lines = Ran.of("models").lines();
        assertEquals(Networks.names(), lines.stream().skip(1).map(line -> line.substring(0, line.indexOf(' '))).toList());
        assertTrue(lines.stream().anyMatch(line -> line.startsWith("vgg16 ") && line.contains("138,357,544") && line.contains("30.9")));
    }

    @Test
    void devicesTellsWhatRunsAndWhatIsNotThere() {
        var text = String.join("\n", Ran.of("devices").lines());
        for (var word : List.of("processor", "instructions", "libsextant", "oneDNN", "\ncuda")) assertTrue(text.contains(word), text);
        assertFalse(text.contains("GFLOP/s"), text);
    }

    @Test
    void devicesMeasuresOnRequest() {
        var text = String.join("\n", Ran.of("devices", "--measure").lines());
        for (var word : List.of("fp32 peak", " GFLOP/s of multiply-adds", "memory", " GB/s read")) assertTrue(text.contains(word), text);
    }
}
