// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What needs no server; DownloadTest has one. */
class FetchTest {
    private static final String EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    @TempDir
    private Path folder;

    @Test
    void whatIsThereIsNotFetched() throws IOException {
        var file = Files.createFile(folder.resolve("a.pth"));
        assertEquals(List.of(file + ": was here already, and its SHA-256 is right"),
            Ran.of("fetch", "http://127.0.0.1:1/a.pth", "--sha256", EMPTY, "--output", file).lines());
        Ran.of("fetch", "http://127.0.0.1:1/a.pth", "--sha256", EMPTY.replace('e', 'f'), "--output", file)
            .fails(1, file, "is there already");
    }

    @Test
    void addressesChecksumsAndNamesAreLookedAtFirst() {
        Ran.of("fetch", "http://127.0.0.1:1/a.pth").fails(2, "--sha256");
        Ran.of("fetch", "http://127.0.0.1:1/a.pth", "--sha256", "12", "--output", folder.resolve("b")).fails(1, "64 hexadecimal digits");
        Ran.of("fetch", "ftp://127.0.0.1/a.pth", "--sha256", EMPTY, "--output", folder.resolve("b")).fails(1, "https:// or http://");
        Ran.of("fetch", "http://127.0.0.1:1/a/", "--sha256", EMPTY).fails(2, "--output");
        Ran.of("fetch", "http://127.0.0.1:1/..%5Cb", "--sha256", EMPTY).fails(2, "--output");
        Ran.of("fetch", "http://127.0.0.1:1/c", "--sha256", EMPTY, "--output", folder.resolve("none/c")).fails(1, "folder does not exist");
    }
}
