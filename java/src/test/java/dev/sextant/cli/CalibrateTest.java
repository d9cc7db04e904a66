// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.GoldenFormula;
import dev.sextant.Shape;
import dev.sextant.graph.Ranges;
import dev.sextant.io.Npy;
import dev.sextant.io.Safetensors;
import dev.sextant.models.Networks;
import dev.sextant.nn.Parameter;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrateTest {
    @TempDir
    private Path folder;
    private Path weights, output;

    @BeforeEach
    void setUp() throws IOException {
        weights = folder.resolve("lenet5.safetensors");
        output = folder.resolve("q.safetensors");
        var tensors = Networks.named("lenet5").parameters().stream()
            .collect(Collectors.toMap(Parameter::key, p -> GoldenFormula.tensor(p.key(), p.shape())));
        Safetensors.write(weights, tensors, Map.of("note", "kept"));
    }

    private Ran calibrate(Path images) {
        return Ran.of("calibrate", "lenet5", "--weights", weights, "--images", images, "--output", output, "--limit", 3);
    }

    private void assertCalibrated() throws IOException {
        try (var found = Safetensors.open(output)) {
            assertEquals("kept", found.metadata().get("note"));
            assertFalse(Ranges.of(found.metadata(), "q").isEmpty());
        }
    }

    @Test
    void foldersArraysAndIdxFiles() throws IOException {
        var pictures = Files.createDirectories(folder.resolve("pictures/within"));
        for (int i = 0; i < 4; i++) {
            ImageIO.write(new BufferedImage(30, 20 + i, BufferedImage.TYPE_BYTE_GRAY), "png", pictures.resolve(i + ".png").toFile());
        }
        Files.writeString(pictures.resolve("notes.txt"), "no picture");
        var line = calibrate(folder.resolve("pictures")).lines().getFirst();
        assertTrue(line.contains("from 3 images"), line);
        assertCalibrated();

        var array = folder.resolve("x.npy");
        Npy.write(array, GoldenFormula.tensor("input", Shape.of(5, 1, 28, 28)));
        assertTrue(calibrate(array).lines().getFirst().contains("from 3 images"));
        assertCalibrated();

        var idx = folder.resolve("images-idx3-ubyte");
        Files.write(idx, ByteBuffer.allocate(16 + 2 * 28 * 28).putInt(0x803).putInt(2).putInt(28).putInt(28).array());
        assertTrue(calibrate(idx).lines().getFirst().contains("from 2 images"));
        assertCalibrated();
    }

    @Test
    void whatHoldsNoImagesIsNamed() throws IOException {
        calibrate(Files.createDirectories(folder.resolve("empty"))).fails(1, "empty", "expects images, found none");
        calibrate(folder.resolve("absent")).fails(1, "absent", "no such file");
        calibrate(weights).fails(1, "expects a folder of pictures, a .npy file or an IDX file");
        var array = folder.resolve("x.npy");
        Npy.write(array, GoldenFormula.tensor("input", Shape.of(5, 3, 28, 28)));
        calibrate(array).fails(1, "1x1x28x28", "5x3x28x28");
        var cut = folder.resolve("cut");
        Files.write(cut, ByteBuffer.allocate(20).putInt(0x803).putInt(2).putInt(28).putInt(28).array());
        calibrate(cut).fails(1, "2 pictures of 28x28 bytes, found 4");
        assertFalse(Files.exists(output));
    }
}
