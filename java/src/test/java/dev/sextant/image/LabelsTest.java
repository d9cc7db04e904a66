// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.Shared;
import dev.sextant.io.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelsTest {
    @TempDir
    Path folder;

    @Test
    void builtInLabelsAreThere() {
        assertEquals(1000, Labels.imagenet().size());
        assertEquals("tench", Labels.imagenet().name(0));
        assertEquals("goldfish", Labels.imagenet().name(1));
        assertEquals("jack-o'-lantern", Labels.imagenet().name(607));
        assertEquals("toilet tissue", Labels.imagenet().name(999));
        assertEquals("7", Labels.digits().name(7));
        assertEquals("frog", Labels.cifar10().name(6));
    }

    @Test
    void imagenetEqualsTheSharedList() throws IOException {
        assertEquals(Labels.read(Shared.path("data/images/imagenet_classes.txt")), Labels.imagenet());
    }

    @Test
    void filesAreRead() throws IOException {
        var file = folder.resolve("labels.txt");
        Files.writeString(file, "ein Hund\r\n Katze \nMaus\n\n\n");
        assertEquals(new Labels(List.of("ein Hund", "Katze", "Maus")), Labels.read(file));
        refused("", "labels should have one name a line, but the file has none");
        refused(" \n\n", "labels should have one name a line, but the file has none");
        refused("a\n\nb\n", "labels should have one name a line, but line 2 is empty");
        Files.write(file, new byte[] {'a', (byte) 0xff, (byte) 0xfe});
        assertThrows(FormatException.class, () -> Labels.read(file));
        assertThrows(IOException.class, () -> Labels.read(folder.resolve("none")));
    }

    private void refused(String text, String message) throws IOException {
        var file = folder.resolve("bad.txt");
        Files.writeString(file, text);
        assertEquals(file + ": " + message, assertThrows(FormatException.class, () -> Labels.read(file)).getMessage());
    }

    @Test
    void countsAreCheckedAtUse() {
        assertEquals(Labels.digits(), Labels.digits().requireSize(10));
        var e = assertThrows(IllegalArgumentException.class, () -> Labels.digits().requireSize(1000));
        assertEquals("labels: expected 1000 names, one a class, found 10", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Labels.digits().name(10));
        assertThrows(IllegalArgumentException.class, () -> new Labels(List.of()));
    }

    @Test
    void theyTravelAsMetadata() {
        assertEquals(Optional.of(Labels.cifar10()), Labels.fromMetadata(Labels.cifar10().toMetadata()));
        assertEquals(Optional.empty(), Labels.fromMetadata(Map.of()));
    }
}
