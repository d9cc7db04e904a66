// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Zip archives as PyTorch writes them: of entries that are stored, not packed. */
public final class Archives {
    private Archives() {}

    /** @param entries name, content, name, content, ...; a character of a content is a byte */
    public static byte[] stored(String... entries) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            for (int i = 0; i < entries.length; i += 2) {
                var content = entries[i + 1].getBytes(StandardCharsets.ISO_8859_1);
                var entry = new ZipEntry(entries[i]);
                var crc = new CRC32();
                crc.update(content);
                entry.setMethod(ZipEntry.STORED);
                entry.setSize(content.length);
                entry.setCrc(crc.getValue());
                zip.putNextEntry(entry);
                zip.write(content);
            }
        }
        return bytes.toByteArray();
    }
}
