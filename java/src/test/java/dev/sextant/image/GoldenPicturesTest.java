// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Small pictures of every kind become the very samples that Pillow reads from them; see {@link Golden}. */
class GoldenPicturesTest {

    @TestFactory
    List<DynamicTest> picturesAreReadAsPillowReadsThem() throws IOException {
        var entries = Golden.entries();
        var tests = new ArrayList<DynamicTest>();
        entries.forEach((name, bytes) -> {
            var expected = entries.get(name + ".rgb");
            if (expected != null) tests.add(DynamicTest.dynamicTest(name, () -> compare(name, bytes, expected)));
        });
        assertTrue(tests.size() > 40, tests.size() + " pictures");
        return tests;
    }

    private static void compare(String name, byte[] bytes, byte[] expected) throws IOException {
        var picture = Picture.decode(name, bytes);
        var samples = picture.samples();
        var size = picture.width() + " " + picture.height() + "\n";
        assertEquals(new String(expected, 0, size.length()), size);
        assertEquals(expected.length - size.length(), samples.length);
        int most = 0;
        for (int i = 0; i < samples.length; i++) {
            most = Math.max(most, Math.abs((samples[i] & 0xff) - (expected[size.length() + i] & 0xff)));
        }
        assertTrue(most <= levels(name), name + ": parts from Pillow's samples by " + most);
    }

    /** How far the samples may be from Pillow's: those of JPEG are the same in every byte. */
    private static int levels(String name) {
        // Of WebP chroma between its own samples, of TIFF the lower byte of a 16-bit palette.
        if (name.startsWith("lossy")) return 3;
        if (name.equals("palette.tif")) return 1;
        return 0;
    }
}
