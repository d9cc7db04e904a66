// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.image.Labels;
import dev.sextant.io.FormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * CIFAR-10's binary version: records of a label byte and the red, green and blue plane of 32x32 (Krizhevsky, "Learning multiple
 * layers of features from tiny images", 2009; the data set's page, "Binary version").
 */
final class CifarRecords {
    private static final int SIDE = 32, PIXELS = 3 * SIDE * SIDE;

    private CifarRecords() {}

    static Stored read(String name, List<Path> files) throws IOException {
        var pictures = new ArrayList<byte[]>();
        var classes = new ByteArrayOutputStream();
        var labels = Labels.cifar10();
        for (var file : files) {
            Unpacked.read(file, in -> {
                int before = pictures.size();
                for (int label = in.read(); label >= 0; label = in.read()) {
                    int record = pictures.size() - before;
                    if (label >= labels.size()) {
                        throw new FormatException(file + ": record " + record + " should begin with a label from 0 to 9, found "
                            + label);
                    }
                    var picture = in.readNBytes(PIXELS);
                    if (picture.length < PIXELS) {
                        throw new FormatException(file + ": record " + record + " should have a label and " + PIXELS
                            + " bytes, the file ends after " + picture.length + " of them");
                    }
                    pictures.add(picture);
                    classes.write(label);
                }
                if (pictures.size() == before) throw new FormatException(file + ": expected CIFAR-10 records, found none");
                return null;
            });
        }
        return new Stored(name, labels, 3, SIDE, SIDE, pictures.toArray(byte[][]::new), classes.toByteArray());
    }
}
