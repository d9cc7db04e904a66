// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;

/** Small files of each format. */
public final class Made {
    private Made() {}

    /** Gray pictures of noise with labels i % 10, as MNIST's four files name a part: {@code train} or {@code t10k}. */
    public static void mnist(Path folder, String part, int count, int side, boolean packed) throws IOException {
        Files.createDirectories(folder);
        var suffix = packed ? ".gz" : "";
        var images = idxImages(count, side, side);
        Files.write(folder.resolve(part + "-images-idx3-ubyte" + suffix), packed ? pack(images) : images);
        var labels = idxLabels(count);
        Files.write(folder.resolve(part + "-labels-idx1-ubyte" + suffix), packed ? pack(labels) : labels);
    }

    public static byte[] idxImages(int count, int height, int width) {
        var bytes = ByteBuffer.allocate(16 + count * height * width).putInt(0x803).putInt(count).putInt(height).putInt(width);
        var noise = new byte[count * height * width];
        new Random(1).nextBytes(noise);
        return bytes.put(noise).array();
    }

    public static byte[] idxLabels(int count) {
        var bytes = ByteBuffer.allocate(8 + count).putInt(0x801).putInt(count);
        for (int i = 0; i < count; i++) bytes.put((byte) (i % 10));
        return bytes.array();
    }

    /** CIFAR-10 records of noise with labels i % 10. */
    public static byte[] records(int count, long seed) {
        var bytes = new byte[count * 3073];
        new Random(seed).nextBytes(bytes);
        for (int i = 0; i < count; i++) bytes[i * 3073] = (byte) (i % 10);
        return bytes;
    }

    public static byte[] picture(String format, int width, int height, int rgb) throws IOException {
        var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) for (int x = 0; x < width; x++) image.setRGB(x, y, rgb);
        var out = new ByteArrayOutputStream();
        if (!ImageIO.write(image, format, out)) throw new IOException(format);
        return out.toByteArray();
    }

    /** A ustar archive of these files. */
    public static byte[] tar(Map<String, byte[]> files) throws IOException {
        var out = new ByteArrayOutputStream();
        for (var file : files.entrySet()) out.writeBytes(entry(file.getKey(), '0', file.getValue()));
        out.write(new byte[1024]);
        return out.toByteArray();
    }

    /** Header and content of one entry, padded to whole blocks. */
    public static byte[] entry(String name, char type, byte[] content) {
        var header = new byte[512];
        put(header, 0, name);
        put(header, 100, "0000644\0");
        put(header, 124, String.format("%011o", content.length));
        put(header, 136, "00000000000");
        header[156] = (byte) type;
        put(header, 257, "ustar\00000");
        sign(header);
        var bytes = new byte[512 + (content.length + 511) / 512 * 512];
        System.arraycopy(header, 0, bytes, 0, 512);
        System.arraycopy(content, 0, bytes, 512, content.length);
        return bytes;
    }

    /** Writes the checksum of a header. */
    static void sign(byte[] header) {
        put(header, 148, "        ");
        int sum = 0;
        for (int i = 0; i < 512; i++) sum += header[i] & 0xff;
        put(header, 148, String.format("%06o\0 ", sum));
    }

    static void put(byte[] bytes, int at, String text) {
        var ascii = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(ascii, 0, bytes, at, ascii.length);
    }

    public static byte[] pack(byte[] bytes) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }
}
