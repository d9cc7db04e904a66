// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * What a pickle of a checkpoint holds beside None (null), booleans, integers ({@link Long}), {@link Double}s, text and bytes. Containers
 * may hold themselves: nothing here compares, hashes or prints what it contains.
 */
sealed interface Pickled {

    /** A dict of any kind, its items in the order of their writing; of equal keys the last counts. */
    record Dict(List<Item> items) implements Pickled {
        Dict() {
            this(new ArrayList<>(0));
        }

        /** The value under a key of text, or null. */
        Object get(String key) {
            Object found = null;
            for (var item : items) if (key.equals(item.key)) found = item.value;
            return found;
        }
    }

    /** A key with its value. */
    record Item(Object key, Object value) {}

    /** A list, a set or a tuple. */
    record Sequence(List<Object> values) implements Pickled {}

    /** A name in a Python module that stands for a type or a function. */
    record Global(String name) implements Pickled {}

    /**
     * Numbers without a shape, which lie elsewhere in the file.
     *
     * @param key where, as the file calls it
     * @param count how many elements
     * @param first what element 0 is in the stored numbers: some old files have views of storages
     */
    record Storage(DType dtype, String key, long count, long first) implements Pickled {}

    /** A tensor over a storage: element (i, j, ...) is {@code storage[offset + i strides[0] + j strides[1] + ...]}. */
    record View(Storage storage, DType dtype, long offset, long[] sizes, long[] strides) implements Pickled {}

    /** Something of no matter here, such as a device. */
    record Other(String what) implements Pickled {}

    /** What to call a value in a message. */
    static String name(Object value) {
        return switch (value) {
            case null -> "None";
            case Boolean _ -> "a truth value";
            case Number _ -> "a number";
            case String _ -> "text";
            case byte[] _ -> "bytes";
            case Dict _ -> "a dict";
            case Sequence _ -> "a list";
            case Global global -> Header.quote(global.name);
            case Storage _ -> "a storage";
            case View _ -> "a tensor";
            case Other other -> other.what;
            default -> "a mark";
        };
    }
}
