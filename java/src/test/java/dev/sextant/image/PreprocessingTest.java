// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.io.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreprocessingTest {
    @TempDir
    Path folder;

    @Test
    void itTravelsInAWeightsFile() throws IOException {
        var file = folder.resolve("a.safetensors");
        for (var preprocessing : List.of(Preprocessing.IMAGENET, Preprocessing.CIFAR10, Preprocessing.MNIST, Preprocessing.MNIST_32,
                Preprocessing.MNIST_CAFFE, Preprocessing.LENET5, Preprocessing.LENET5_32)) {
            Safetensors.write(file, Map.of("x", Tensor.of(Shape.of(1), new float[1])), preprocessing.toMetadata());
            try (var weights = Safetensors.open(file)) {
                assertEquals(Optional.of(preprocessing), Preprocessing.fromMetadata(weights.metadata()));
            }
        }
        assertEquals(Optional.empty(), Preprocessing.fromMetadata(Map.of("format", "pt")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        channels | 2       | preprocessing: channels should be 1 or 3, found 2
        resize   | 0       | preprocessing: resize should be 1 to 16384 pixels, found 0
        height   | x       | preprocessing: height should be an integer, found x
        width    | 1000000 | preprocessing: width should be 1 to 16384 pixels, found 1000000
        divisor  | 0       | preprocessing: divisor should be a positive number, found 0.0
        mean     | 1 2     | preprocessing: mean should be 3 finite numbers, found [1.0, 2.0]
        mean     | 1 2 NaN | preprocessing: mean should be 3 finite numbers, found [1.0, 2.0, NaN]
        std      | 1 1 0   | preprocessing: std should be 3 finite numbers other than 0, found [1.0, 1.0, 0.0]
        std      | a b c   | preprocessing: std should be a number, found a
        fit      | round   | preprocessing: fit should be one of [shorter_side, stretch], found round
        invert   | yes     | preprocessing: invert should be one of [never, auto], found yes
        """)
    void badMetadataIsNamed(String field, String value, String message) {
        var metadata = new HashMap<>(Preprocessing.IMAGENET.toMetadata());
        metadata.put("sextant.preprocessing." + field, value);
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> Preprocessing.fromMetadata(metadata)).getMessage());
        metadata.remove("sextant.preprocessing." + field);
        var e = assertThrows(IllegalArgumentException.class, () -> Preprocessing.fromMetadata(metadata));
        assertTrue(e.getMessage().contains("expected sextant.preprocessing." + field), e.getMessage());
    }

    @Test
    void otherInputSizesKeepTheProportionOfTheCrop() {
        assertEquals(342, Preprocessing.IMAGENET.at(299, 299).resize(), "299 x 256 / 224 = 341.7");
        assertEquals(128, Preprocessing.IMAGENET.at(112, 200).resize());
        assertEquals(256, Preprocessing.IMAGENET.crop(227, 227).resize());
    }
}
