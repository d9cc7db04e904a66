// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import dev.sextant.io.FormatException;
import java.awt.image.Raster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Decodes a file with the readers that {@code javax.imageio} finds, taking raw samples from them: colours are converted in {@link
 * Samples}.
 */
final class PictureFile {
    static final long MOST_PIXELS = 1L << 27;
    private static final long MOST_BYTES = 1L << 29;

    // No format here packs more pixels into a byte than deflated one-bit PNG (1032 x 8), but for small pictures of one colour.
    private static final long DENSEST = 1 << 14;
    private static final long SMALL = 1 << 22;

    private PictureFile() {}

    static Pixels read(Path file) throws IOException {
        var source = file.toString();
        long size = Files.size(file);
        if (size > MOST_BYTES) {
            throw new FormatException(source + ": picture should take at most " + MOST_BYTES + " bytes, found " + size);
        }
        return read(source, Files.readAllBytes(file));
    }

    static Pixels read(String source, byte[] bytes) throws IOException {
        if (bytes.length == 0) throw new FormatException(source + ": expected a picture, the file is empty");
        var structure = Structure.of(source, bytes);
        return decode(source, bytes, structure).upright(structure.orientation());
    }

    /** Refuses sizes that are absurd, or that so short a file cannot hold. */
    static void checkSize(String source, long width, long height, long bytes) throws FormatException {
        if (width < 1 || height < 1 || width > MOST_PIXELS || height > MOST_PIXELS || width * height > MOST_PIXELS) {
            throw new FormatException(source + ": picture should have 1 to " + MOST_PIXELS + " pixels, its header says "
                + width + "x" + height);
        }
        if (width * height > SMALL + bytes * DENSEST) {
            throw new FormatException(source + ": header says " + width + "x" + height + " pixels, which a file of " + bytes
                + " bytes cannot hold");
        }
    }

    /** Tries each reader that claims to know the file; if all fail, the first one's complaint counts. */
    private static Pixels decode(String source, byte[] bytes, Structure structure) throws IOException {
        FormatException failure = null;
        try (var stream = new FileBytes(bytes)) {
            var readers = ImageIO.getImageReaders(stream);
            while (readers.hasNext()) {
                var reader = readers.next();
                try {
                    return decode(source, bytes, structure, reader, stream);
                } catch (FormatException e) {
                    throw e;
                } catch (IOException | RuntimeException | StackOverflowError e) {
                    if (failure == null) failure = refused(source, structure, e);
                } catch (OutOfMemoryError e) {
                    throw new FormatException(source + ": not enough memory to decode this " + structure.format() + " file", e);
                } finally {
                    reader.dispose();
                }
            }
        }
        if (failure != null) throw failure;
        throw new FormatException(source + ": expected a picture (JPEG, PNG, BMP, GIF, TIFF or WebP), no reader knows this "
            + structure.format().replace("picture", "kind of") + " file");
    }

    private static Pixels decode(String source, byte[] bytes, Structure structure, ImageReader reader, ImageInputStream stream)
            throws IOException {
        stream.seek(0);
        reader.setInput(stream, false, true);
        checkSize(source, reader.getWidth(0), reader.getHeight(0), bytes.length);
        if (structure.colours() != null && reader.canReadRaster()) {
            Raster raster = null;
            try {
                raster = reader.readRaster(0, null);
            } catch (UnsupportedOperationException e) {
                // A lossless JPEG, say, of which this reader gives images only.
            }
            if (raster != null) return Samples.ofJpeg(raster, structure.colours());
        }
        return Samples.ofImage(reader.read(0));
    }

    private static FormatException refused(String source, Structure structure, Throwable e) {
        var reason = new StringBuilder();
        for (var cause = e; cause != null && reason.length() < 200; cause = cause.getCause()) {
            var message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            // An outer exception often quotes its cause.
            if (reason.indexOf(message) < 0) reason.append(reason.isEmpty() ? "" : ": ").append(message);
        }
        return new FormatException(source + ": cannot decode this " + structure.format() + " file: "
            + reason.toString().replaceAll("\\s+", " "), e);
    }
}
