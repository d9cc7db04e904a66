// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The one entry of an EXIF block that matters here: which way up the picture is. */
final class Exif {
    private static final int ORIENTATION = 0x0112;

    private Exif() {}

    /**
     * Orientation 1..8 in a TIFF structure (EXIF 2.3, section 4.6.2), 1 if it has none or is damaged: a broken note is no reason
     * to refuse a picture.
     */
    static int orientation(byte[] bytes, int offset, int length) {
        if (length < 8 || offset < 0 || offset > bytes.length - length) return 1;
        var tiff = ByteBuffer.wrap(bytes, offset, length).slice();
        switch (tiff.getShort(0)) {
            case 0x4949 -> tiff.order(ByteOrder.LITTLE_ENDIAN);
            case 0x4d4d -> tiff.order(ByteOrder.BIG_ENDIAN);
            default -> {
                return 1;
            }
        }
        long directory = tiff.getInt(4) & 0xffffffffL;
        if (tiff.getShort(2) != 42 || directory > length - 2) return 1;
        int entries = tiff.getShort((int) directory) & 0xffff;
        for (int i = 0; i < entries; i++) {
            long entry = directory + 2 + 12L * i;
            if (entry > length - 12) return 1;
            if ((tiff.getShort((int) entry) & 0xffff) != ORIENTATION) continue;
            int value = tiff.getShort((int) entry + 8);
            return value >= 1 && value <= 8 ? value : 1;
        }
        return 1;
    }
}
