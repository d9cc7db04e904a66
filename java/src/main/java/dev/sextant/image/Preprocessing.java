// SPDX-License-Identifier: Apache-2.0
package dev.sextant.image;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What happens to a picture before a network sees it: it becomes gray if {@code channels} is 1, is resized, cropped at its centre
 * (or framed in black where it is smaller) to {@code height x width}, and each value {@code v} of 0..255 becomes {@code (v /
 * divisor - mean) / std}.
 *
 * <p>Order and arithmetic are those of torchvision's {@code Resize, CenterCrop, ToTensor, Normalize} on 8-bit Pillow images.
 *
 * @param channels 3 for red, green, blue planes in this order, 1 for gray
 * @param fit how the picture is brought to {@code resize}
 * @param resize pixels of the shorter side ({@link Fit#SHORTER_SIDE}) or of both sides ({@link Fit#STRETCH}) after resizing
 * @param height rows of the crop
 * @param width columns of the crop
 * @param divisor what 8-bit values are divided by first: 255, or 256 for Caffe's LeNet
 * @param mean subtracted, one value a channel
 * @param std divided by afterwards, one value a channel
 * @param invert whether dark-on-light pictures are inverted first
 * @param filter how samples are weighted in resizing
 */
public record Preprocessing(
        int channels, Fit fit, int resize, int height, int width, float divisor, List<Float> mean, List<Float> std, Invert invert,
        Filter filter) {

    /** How a picture's size is brought to the network's. */
    public enum Fit {
        /** The shorter side becomes {@code resize}, the longer one keeps the proportion. */
        SHORTER_SIDE,
        /** Both sides become {@code resize}; the whole picture is seen, at the cost of its proportion. */
        STRETCH
    }

    /** Whether black and white change places. */
    public enum Invert {
        /** Never. */
        NEVER,
        /**
         * If the outermost pixels of the resized picture exceed 127 on average: ink on paper becomes light on dark, as MNIST has
         * it.
         */
        AUTO
    }

    /** The largest side or crop accepted. */
    private static final int LARGEST = 1 << 14;

    /** ImageNet as torchvision's classification networks take it: shorter side 256, crop 224. */
    public static final Preprocessing IMAGENET = rgb(256, 224, List.of(0.485f, 0.456f, 0.406f), List.of(0.229f, 0.224f, 0.225f));

    /** CIFAR-10 as the checkpoints of akamaster/pytorch_resnet_cifar10 take it: 32x32, with ImageNet's mean and deviation. */
    public static final Preprocessing CIFAR10 = rgb(32, 32, List.of(0.485f, 0.456f, 0.406f), List.of(0.229f, 0.224f, 0.225f));

    /** MNIST with its own mean and deviation: 28x28 gray, light on dark. */
    public static final Preprocessing MNIST = gray(28, 255, 0.1307f, 0.3081f);

    /** MNIST as in {@link #MNIST}, framed in black to the 32x32 of the LeNet-5 paper. */
    public static final Preprocessing MNIST_32 = MNIST.crop(32, 32);

    /** MNIST as Caffe's LeNet takes it: pixel / 256. */
    public static final Preprocessing MNIST_CAFFE = gray(28, 256, 0, 1);

    /** MNIST as the LeNet-5 paper takes it: background -0.1, ink 1.175 (LeCun et al. 1998, section II.B). */
    public static final Preprocessing LENET5 = gray(28, 255, 0.1f / 1.275f, 1 / 1.275f);

    /** As {@link #LENET5}, framed to 32x32. */
    public static final Preprocessing LENET5_32 = LENET5.crop(32, 32);

    public Preprocessing {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        if (channels != 1 && channels != 3) throw bad("channels", "1 or 3", channels);
        if (resize < 1 || resize > LARGEST) throw bad("resize", "1 to " + LARGEST + " pixels", resize);
        if (height < 1 || height > LARGEST) throw bad("height", "1 to " + LARGEST + " pixels", height);
        if (width < 1 || width > LARGEST) throw bad("width", "1 to " + LARGEST + " pixels", width);
        if (!(divisor > 0) || Float.isInfinite(divisor)) throw bad("divisor", "a positive number", divisor);
        if (mean.size() != channels || !mean.stream().allMatch(Float::isFinite)) {
            throw bad("mean", channels + " finite numbers", mean);
        }
        if (std.size() != channels || !std.stream().allMatch(s -> Float.isFinite(s) && s != 0)) {
            throw bad("std", channels + " finite numbers other than 0", std);
        }
        if (fit == null) throw bad("fit", "shorter_side or stretch", null);
        if (invert == null) throw bad("invert", "never or auto", null);
        if (filter == null) throw bad("filter", "bilinear or bicubic", null);
    }

    /** RGB, shorter side {@code resize} (bilinear), square crop, values over 255. */
    public static Preprocessing rgb(int resize, int crop, List<Float> mean, List<Float> std) {
        return new Preprocessing(3, Fit.SHORTER_SIDE, resize, crop, crop, 255, mean, std, Invert.NEVER, Filter.BILINEAR);
    }

    /** Gray, the whole picture stretched to {@code size} x {@code size}, dark-on-light pictures inverted. */
    public static Preprocessing gray(int size, float divisor, float mean, float std) {
        return new Preprocessing(1, Fit.STRETCH, size, size, size, divisor, List.of(mean), List.of(std), Invert.AUTO,
            Filter.BILINEAR);
    }

    /** The same, cropped to another size (AlexNet's 227) without changing the resizing. */
    public Preprocessing crop(int height, int width) {
        return new Preprocessing(channels, fit, resize, height, width, divisor, mean, std, invert, filter);
    }

    /** The same for another input size, the resizing scaled along with the shorter side of the crop. */
    public Preprocessing at(int height, int width) {
        int scaled = (int) Math.max(1, Math.round((double) resize * Math.min(height, width) / Math.min(this.height, this.width)));
        return new Preprocessing(channels, fit, scaled, height, width, divisor, mean, std, invert, filter);
    }

    /** The same with another filter. */
    public Preprocessing with(Filter filter) {
        return new Preprocessing(channels, fit, resize, height, width, divisor, mean, std, invert, filter);
    }

    /** As metadata of a weights file: keys {@code sextant.preprocessing.*}, numbers as text. */
    public Map<String, String> toMetadata() {
        var map = new LinkedHashMap<String, String>();
        map.put(PREFIX + "channels", Integer.toString(channels));
        map.put(PREFIX + "fit", fit.name().toLowerCase(Locale.ROOT));
        map.put(PREFIX + "resize", Integer.toString(resize));
        map.put(PREFIX + "height", Integer.toString(height));
        map.put(PREFIX + "width", Integer.toString(width));
        map.put(PREFIX + "divisor", Float.toString(divisor));
        map.put(PREFIX + "mean", join(mean));
        map.put(PREFIX + "std", join(std));
        map.put(PREFIX + "invert", invert.name().toLowerCase(Locale.ROOT));
        map.put(PREFIX + "filter", filter.name().toLowerCase(Locale.ROOT));
        return map;
    }

    /**
     * The preprocessing among a weights file's metadata; empty if no key begins with {@code sextant.preprocessing.}.
     *
     * @throws IllegalArgumentException if one of the keys but {@code filter} is missing or its value cannot be used, naming both
     */
    public static Optional<Preprocessing> fromMetadata(Map<String, String> metadata) {
        if (metadata.keySet().stream().noneMatch(k -> k.startsWith(PREFIX))) return Optional.empty();
        // Files of before there was a choice do not name it.
        var filter = metadata.containsKey(PREFIX + "filter") ? constant(metadata, "filter", Filter.class) : Filter.BILINEAR;
        return Optional.of(new Preprocessing(
                integer(metadata, "channels"), constant(metadata, "fit", Fit.class),
            integer(metadata, "resize"), integer(metadata, "height"), integer(metadata, "width"),
            number("divisor", text(metadata, "divisor")), numbers(metadata, "mean"), numbers(metadata, "std"),
            constant(metadata, "invert", Invert.class), filter));
    }

    private static final String PREFIX = "sextant.preprocessing.";

    private static String text(Map<String, String> metadata, String field) {
        var text = metadata.get(PREFIX + field);
        if (text == null) {
            throw new IllegalArgumentException("metadata: expected " + PREFIX + field
                + " beside the other preprocessing keys, found none");
        }
        return text.strip();
    }

    private static int integer(Map<String, String> metadata, String field) {
        var text = text(metadata, field);
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw bad(field, "an integer", text);
        }
    }

    private static float number(String field, String text) {
        try {
            return Float.parseFloat(text);
        } catch (NumberFormatException e) {
            throw bad(field, "a number", text);
        }
    }

    private static List<Float> numbers(Map<String, String> metadata, String field) {
        var values = new ArrayList<Float>();
        for (var part : text(metadata, field).split("\\s+", 5)) values.add(number(field, part));
        return values;
    }

    private static <E extends Enum<E>> E constant(Map<String, String> metadata, String field, Class<E> type) {
        var text = text(metadata, field);
        for (var value : type.getEnumConstants()) {
            if (value.name().equalsIgnoreCase(text)) return value;
        }
        throw bad(field, "one of " + List.of(type.getEnumConstants()).toString().toLowerCase(Locale.ROOT), text);
    }

    private static String join(List<Float> values) {
        return String.join(" ", values.stream().map(v -> Float.toString(v)).toList());
    }

    private static IllegalArgumentException bad(String field, String expected, Object found) {
        var shown = String.valueOf(found).replaceAll("\\p{Cntrl}", "?");
        return new IllegalArgumentException("preprocessing: " + field + " should be " + expected + ", found " + shown);
    }
}
