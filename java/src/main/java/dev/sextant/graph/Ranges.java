// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the values of a network were seen to hold. A value goes by the name of the layer that makes it in the description, whatever is
 * fused later, so that ranges outlive a compilation and fit any input shape.
 *
 * <p>In a checkpoint's metadata: {@code sextant.ranges} is the version, 1; {@code sextant.range.NAME} the smallest and the largest
 * number of the layer NAME with a space between.
 */
public record Ranges(SortedMap<String, Range> byLayer) {
    public static final Ranges NONE = new Ranges(new TreeMap<>());
    private static final String VERSION_KEY = "sextant.ranges", VERSION = "1", PREFIX = "sextant.range.";

    public Ranges {
        byLayer = Collections.unmodifiableSortedMap(new TreeMap<>(byLayer));
    }

    public boolean isEmpty() {
        return byLayer.isEmpty();
    }

    /**
     * Those that a checkpoint's metadata hold, or none.
     *
     * @param source what messages call the checkpoint
     * @throws IllegalArgumentException for another version or what is no range
     */
    public static Ranges of(Map<String, String> metadata, String source) {
        var version = metadata.get(VERSION_KEY);
        if (version == null) return NONE;
        if (!version.equals(VERSION)) {
            throw new IllegalArgumentException(source + ": expects ranges of version " + VERSION + ", found version " + version);
        }
        var ranges = new TreeMap<String, Range>();
        metadata.forEach((key, text) -> {
            if (key.startsWith(PREFIX)) ranges.put(key.substring(PREFIX.length()), range(text, source + ": " + key));
        });
        return new Ranges(ranges);
    }

    private static Range range(String text, String where) {
        var words = text.split(" ");
        try {
            if (words.length == 2) return new Range(Float.parseFloat(words[0]), Float.parseFloat(words[1]));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(where + ": " + e.getMessage(), e);
        }
        throw new IllegalArgumentException(where + " expects two numbers, found '" + text + "'");
    }

    /** To be read by {@link #of}. */
    public Map<String, String> metadata() {
        var metadata = new TreeMap<String, String>();
        metadata.put(VERSION_KEY, VERSION);
        byLayer.forEach((name, range) -> metadata.put(PREFIX + name, range.min() + " " + range.max()));
        return metadata;
    }

    /** The ranges of a graph's values. @param traced before any pass */
    public Map<Value, Range> on(Graph traced) {
        var ranges = new HashMap<Value, Range>();
        names(traced).forEach((value, name) -> {
            if (byLayer.containsKey(name)) ranges.put(value, byLayer.get(name));
        });
        return ranges;
    }

    /**
     * What each value of a graph is called: as its layer; a sum of more than two terms has a value a term, numbered from the second.
     *
     * @param traced before any pass
     */
    public static Map<Value, String> names(Graph traced) {
        var names = new HashMap<Value, String>();
        var taken = new HashSet<String>();
        for (var node : traced.nodes()) {
            var name = node.name();
            for (int i = 2; !taken.add(name); i++) name = node.name() + "#" + i;
            names.put(node.dst(), name);
        }
        return names;
    }
}
