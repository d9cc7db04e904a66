// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A random change of training pictures. In whatever order they are listed, those of geometry come first, in the order of the
 * list, then those of colour likewise, on values of 0 to 1; then the network's own normalisation; then cutout, then mixup.
 * Chance depends on the seed, the epoch and the number of the sample alone.
 */
public sealed interface Augmentation {

    /** Left becomes right in half of the pictures. */
    record Flip() implements Augmentation {
        @Override
        public String toString() {
            return "flip";
        }
    }

    /**
     * The picture is framed in {@code pad} pixels of black and cut out again anywhere (He et al., arXiv:1512.03385,
     * section 4.2).
     */
    record Crop(int pad) implements Augmentation {
        public Crop {
            require(pad >= 1 && pad <= 512, "crop expects 1 to 512 pixels of padding", pad);
        }

        @Override
        public String toString() {
            return "crop:" + pad;
        }
    }

    /**
     * A part of {@code smallest} to 1 of the area, of a proportion between 3:4 and 4:3, brought to the network's size by a
     * bilinear filter (Szegedy et al., arXiv:1409.4842, section 6; as torchvision's RandomResizedCrop).
     */
    record ResizedCrop(double smallest) implements Augmentation {
        public ResizedCrop {
            require(smallest > 0 && smallest <= 1, "resized-crop expects the smallest share of the area, above 0 and at most 1",
                smallest);
        }

        @Override
        public String toString() {
            return smallest == DEFAULT_SMALLEST ? "resized-crop" : "resized-crop:" + number(smallest);
        }

        static final double DEFAULT_SMALLEST = 0.08;
    }

    /**
     * Brightness, contrast and saturation, each times a factor between {@code max(0, 1 - x)} and {@code 1 + x}, in random order
     * (Howard, arXiv:1312.5402; as torchvision's ColorJitter). Gray pictures have no saturation.
     */
    record Jitter(double brightness, double contrast, double saturation) implements Augmentation {
        public Jitter {
            for (double x : new double[] {brightness, contrast, saturation}) {
                require(x >= 0 && x <= 10, "jitter expects numbers from 0 to 10", x);
            }
        }

        @Override
        public String toString() {
            var first = "jitter:" + number(brightness);
            boolean one = brightness == contrast && contrast == saturation;
            return one ? first : first + ":" + number(contrast) + ":" + number(saturation);
        }
    }

    /**
     * Each pixel moves along the principal components of ImageNet's colours, by normally distributed amounts of deviation
     * {@code deviation} times their eigenvalues (Krizhevsky et al. 2012, section 4.1). For pictures of three channels.
     */
    record Lighting(double deviation) implements Augmentation {
        public Lighting {
            require(deviation >= 0 && deviation <= 10, "lighting expects a deviation from 0 to 10", deviation);
        }

        @Override
        public String toString() {
            return "lighting:" + number(deviation);
        }
    }

    /** A square of {@code size} pixels about any pixel becomes the mean colour (DeVries, Taylor, arXiv:1708.04552). */
    record Cutout(int size) implements Augmentation {
        public Cutout {
            require(size >= 1 && size <= 4096, "cutout expects a side of 1 to 4096 pixels", size);
        }

        @Override
        public String toString() {
            return "cutout:" + size;
        }
    }

    /**
     * Each picture and its target are mixed with the next one's of the batch, {@code x = t x + (1 - t) x'} with {@code t} of the
     * distribution Beta(alpha, alpha) (Zhang et al., arXiv:1710.09412; there one {@code t} a batch).
     */
    record Mixup(double alpha) implements Augmentation {
        public Mixup {
            require(alpha >= 0.01 && alpha <= 100, "mixup expects alpha from 0.01 to 100", alpha);
        }

        @Override
        public String toString() {
            return "mixup:" + number(alpha);
        }
    }

    /**
     * From a line such as {@code flip,crop:4,jitter:0.4,lighting:0.1,cutout:8,mixup:0.2} or {@code flip,resized-crop}; {@code
     * none} is the empty list. {@code jitter:B:C:S} has a number for each of brightness, contrast and saturation, {@code
     * resized-crop:A} the smallest share of the area.
     *
     * @throws IllegalArgumentException naming the word that is unknown, twice there, or has numbers that it does not take
     */
    static List<Augmentation> parse(String text) {
        return AugmentationText.parse(text);
    }

    /** The line that {@link #parse} makes this list from. */
    static String text(List<Augmentation> augmentations) {
        if (augmentations.isEmpty()) return "none";
        return augmentations.stream().map(Augmentation::toString).collect(Collectors.joining(","));
    }

    private static void require(boolean held, String expected, Number found) {
        if (!held) throw new IllegalArgumentException(expected + ", found " + number(found.doubleValue()));
    }

    private static String number(double value) {
        boolean whole = value == Math.rint(value) && Math.abs(value) < 1e9;
        return whole ? Long.toString((long) value) : Double.toString(value);
    }
}
