// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sextant.data.Dataset.Split;
import dev.sextant.io.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files open, for damage may hit a pixel, or are refused with a {@link FormatException} naming them. */
class DatasetFuzzTest {
    @TempDir
    private Path folder;

    private void run(String name, byte[] valid, int mutations, boolean mustRefuse) throws IOException {
        var random = new Random(20261124);
        var file = folder.resolve(name);
        int refused = 0;
        for (int i = 0; i < mutations; i++) {
            Files.write(file, damaged(valid, random));
            try {
                var data = Dataset.open(file, Split.TRAIN);
                assertTrue(data.size() > 0 && data.label(data.size() - 1) < data.labels().size());
                data.picture(data.size() - 1);
            } catch (FormatException e) {
                refused++;
                assertTrue(e.getMessage().startsWith(folder.toString()) && !e.getMessage().contains("\n"), e.getMessage());
            } catch (Exception | StackOverflowError | OutOfMemoryError e) {
                fail(name + ", mutation " + i, e);
            }
        }
        assertTrue(refused > mutations / 5 && (refused < mutations || mustRefuse), name + ": " + refused + " refused");
    }

    private static byte[] damaged(byte[] valid, Random random) {
        var bytes = valid.clone();
        switch (random.nextInt(4)) {
            case 0 -> {
                return Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            case 1 -> {
                return Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(600));
            }
            case 2 -> bytes[random.nextInt(Math.min(bytes.length, 600))] ^= (byte) (1 << random.nextInt(8));
            default -> {
                for (int i = 0; i < 5; i++) bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
        }
        return bytes;
    }

    @Test
    void idx() throws IOException {
        Made.mnist(folder, "train", 20, 28, false);
        run("train-images-idx3-ubyte", Made.idxImages(20, 28, 28), 400, false);
        run("train-images-idx3-ubyte", Made.pack(Made.idxImages(20, 28, 28)), 400, true);
    }

    @Test
    void records() throws IOException {
        run("data_batch_1.bin", Made.records(6, 1), 400, false);
        run("data_batch_1.bin.gz", Made.pack(Made.records(6, 1)), 400, true);
    }

    @Test
    void archives() throws IOException {
        var files = new LinkedHashMap<String, byte[]>();
        for (int i = 0; i < 6; i++) files.put("train/" + (char) ('a' + i % 3) + "/" + i + ".jpg", Made.picture("jpg", 16, 16,
            i * 30));
        run("train.tar", Made.tar(files), 600, false);
        run("train.tar.gz", Made.pack(Made.tar(files)), 300, true);
    }
}
