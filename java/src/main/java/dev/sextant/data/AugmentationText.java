// SPDX-License-Identifier: Apache-2.0
package dev.sextant.data;

import dev.sextant.data.Augmentation.Crop;
import dev.sextant.data.Augmentation.Cutout;
import dev.sextant.data.Augmentation.Flip;
import dev.sextant.data.Augmentation.Jitter;
import dev.sextant.data.Augmentation.Lighting;
import dev.sextant.data.Augmentation.Mixup;
import dev.sextant.data.Augmentation.ResizedCrop;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The line in which people write augmentations, see {@link Augmentation#parse}. */
final class AugmentationText {
    private static final String KNOWN = "flip, crop:PIXELS, resized-crop, jitter:X, lighting:X, cutout:PIXELS, mixup:ALPHA";

    private AugmentationText() {}

    static List<Augmentation> parse(String text) {
        var line = text.strip().toLowerCase(Locale.ROOT);
        if (line.isEmpty() || line.equals("none")) return List.of();
        var list = new ArrayList<Augmentation>();
        for (var item : line.split(",", -1)) {
            var words = item.strip().split(":", -1);
            add(list, one(words[0], Arrays.copyOfRange(words, 1, words.length), item.strip()));
        }
        return List.copyOf(list);
    }

    private static void add(List<Augmentation> list, Augmentation next) {
        for (var other : list) {
            boolean both = other.getClass() == next.getClass();
            boolean crops = other instanceof Crop && next instanceof ResizedCrop
                || other instanceof ResizedCrop && next instanceof Crop;
            if (both || crops) {
                throw new IllegalArgumentException("augmentations: expected one of " + other + " and " + next + ", found both");
            }
        }
        list.add(next);
    }

    private static Augmentation one(String name, String[] numbers, String item) {
        return switch (name) {
            case "flip" -> {
                counted(numbers, item, 0, 0);
                yield new Flip();
            }
            case "crop" -> new Crop(integer(counted(numbers, item, 1, 1), item));
            case "resized-crop" -> new ResizedCrop(
                counted(numbers, item, 0, 1).length == 0 ? ResizedCrop.DEFAULT_SMALLEST : number(numbers[0], item));
            case "jitter" -> switch (counted(numbers, item, 1, 3).length) {
                case 1 -> new Jitter(number(numbers[0], item), number(numbers[0], item), number(numbers[0], item));
                case 3 -> new Jitter(number(numbers[0], item), number(numbers[1], item), number(numbers[2], item));
                default -> throw bad(item, "jitter takes 1 or 3 numbers");
            };
            case "lighting" -> new Lighting(number(counted(numbers, item, 1, 1)[0], item));
            case "cutout" -> new Cutout(integer(counted(numbers, item, 1, 1), item));
            case "mixup" -> new Mixup(number(counted(numbers, item, 1, 1)[0], item));
            default -> throw bad(item, "known are " + KNOWN);
        };
    }

    private static String[] counted(String[] numbers, String item, int least, int most) {
        if (numbers.length < least || numbers.length > most) {
            var count = least == most ? "" + least : least + " to " + most;
            throw bad(item, "it takes " + count + (count.equals("1") ? " number" : " numbers") + " after a colon");
        }
        return numbers;
    }

    private static int integer(String[] numbers, String item) {
        double value = number(numbers[0], item);
        if (value != Math.rint(value) || Math.abs(value) > Integer.MAX_VALUE) throw bad(item, "it takes a whole number");
        return (int) value;
    }

    private static double number(String text, String item) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw bad(item, "'" + text + "' is no number");
        }
    }

    private static IllegalArgumentException bad(String item, String why) {
        return new IllegalArgumentException("augmentations: cannot use '" + item + "': " + why);
    }
}
