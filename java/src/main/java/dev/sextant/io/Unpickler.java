// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.io.Pickled.Dict;
import dev.sextant.io.Pickled.Global;
import dev.sextant.io.Pickled.Item;
import dev.sextant.io.Pickled.Sequence;
import dev.sextant.io.Pickled.View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the stack machine of Python's pickles (protocols 2 to 5, binary opcodes, Lib/pickletools.py) on a fixed set of names, {@link
 * TorchNames}: it makes containers and descriptions of tensors, never calls anything, and refuses every other name. Nothing recurses, and
 * what it makes is held against the size of the file.
 */
final class Unpickler {
    /** Approximate bytes of memory. */
    private static final int OBJECT = 24, SLOT = 4, VIEW = 300;
    private static final Sequence EMPTY = new Sequence(List.of());
    private static final int LONGEST_NAME = 1 << 10, LONGEST_NUMBER = 255;
    private static final ValueLayout.OfInt FOUR = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong EIGHT = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final String source;
    private final MemorySegment file;
    private final long end;
    private long at, opcodeAt, left;
    private Object[] stack = new Object[64], memo = new Object[64];
    private final byte[] scratch = new byte[1 << 10];
    private int depth, memoized, marked;
    private int[] marks = new int[16];
    private final Map<String, DType> storages = new HashMap<>();

    /**
     * @param file all of it
     * @param begin where the first pickle begins
     * @param end where pickles end at the latest
     */
    Unpickler(String source, MemorySegment file, long begin, long end) {
        this.source = source;
        this.file = file;
        this.at = begin;
        this.end = end;
        left = 9 * file.byteSize() + (1 << 16);
    }

    /** Where the next pickle begins, or what else follows the last. */
    long position() {
        return at;
    }

    /** Where the next pickle begins after {@code bytes} that are none. */
    void skip(long bytes) throws FormatException {
        opcodeAt = at;
        bytes(bytes, 0);
    }

    /** The type of a storage that was referred to, or null. */
    DType storageType(String key) {
        return storages.get(key);
    }

    /** Reads one pickle. */
    Object read() throws FormatException {
        depth = memoized = marked = 0;
        while (true) {
            opcodeAt = at;
            int opcode = one();
            switch (opcode) {
                case '.' -> { // STOP
                    var result = pop();
                    if (depth > 0) throw bad("should leave one object, found " + (depth + 1));
                    return result;
                }
                case 0x80 -> protocol(one());
                case 0x95 -> bytes(EIGHT.byteSize(), 0); // FRAME
                case '(' -> mark();
                case '0' -> pop();
                case '1' -> popToMark();
                case '2' -> push(peek());
                case 'N' -> push(null);
                case 0x88 -> push(Boolean.TRUE);
                case 0x89 -> push(Boolean.FALSE);
                case 'K' -> push(number(one()));
                case 'M' -> push(number(one() | one() << 8));
                case 'J' -> push(number((int) four()));
                case 0x8a -> push(integer(one()));
                case 0x8b -> push(integer(four()));
                case 'G' -> push(made(file.get(DOUBLE, bytes(Double.BYTES, 0))));
                case 'X' -> push(text(four()));
                case 0x8c, 'U' -> push(text(one())); // 'U' and 'T' are text of Python 2
                case 0x8d -> push(text(file.get(EIGHT, bytes(Long.BYTES, 0))));
                case 'T' -> push(text(four()));
                case 'C' -> push(raw(one()));
                case 'B' -> push(raw(four()));
                case 0x8e -> push(raw(file.get(EIGHT, bytes(Long.BYTES, 0))));
                case ')' -> push(EMPTY);
                case 0x85, 0x86, 0x87 -> push(tuple(popped(opcode - 0x84)));
                case 't', 0x91 -> push(tuple(popToMark())); // TUPLE, FROZENSET
                case 'l' -> push(list(popToMark()));
                case ']', 0x8f -> push(list()); // EMPTY_LIST, EMPTY_SET
                case '}' -> push(dict());
                case 'd' -> {
                    var items = popToMark();
                    var dict = dict();
                    put(dict, items);
                    push(dict);
                }
                case 'a' -> append(pop());
                case 'e', 0x90 -> append(popToMark()); // APPENDS, ADDITEMS
                case 's' -> put(popped(2));
                case 'u' -> put(popToMark());
                case 'c' -> push(global(line(), line()));
                case 0x93 -> {
                    var names = popped(2);
                    push(global(textOf(names[0]), textOf(names[1])));
                }
                case 'R', 0x81 -> { // REDUCE, NEWOBJ
                    var arguments = pop();
                    call(pop(), arguments);
                }
                case 'b' -> build(pop());
                case 'Q' -> push(storage(pop()));
                case 'h' -> push(remembered(one()));
                case 'j' -> push(remembered(four()));
                case 'q' -> remember(one());
                case 'r' -> remember(four());
                case 0x94 -> remember(memoized);
                default -> throw bad("should be a binary pickle of protocol 2 to 5 without extensions, found "
                    + (opcode > ' ' && opcode < 0x7f ? "'" + (char) opcode + "'" : String.format("0x%02x", opcode)));
            }
        }
    }

    private void protocol(int version) throws FormatException {
        if (version < 2 || version > 5) throw bad("should be of protocol 2 to 5, found " + version);
    }

    // What is read.

    /** Takes {@code count} bytes and returns where they begin. */
    private long bytes(long count, int made) throws FormatException {
        if (count < 0 || count > end - at) {
            throw bad("should be followed by " + Long.toUnsignedString(count) + " bytes, found " + (end - at));
        }
        spend(made * count);
        long begin = at;
        at += count;
        return begin;
    }

    private int one() throws FormatException {
        return file.get(ValueLayout.JAVA_BYTE, bytes(1, 0)) & 0xff;
    }

    private long four() throws FormatException {
        return file.get(FOUR, bytes(Integer.BYTES, 0)) & 0xffffffffL;
    }

    private byte[] raw(long count) throws FormatException {
        spend(OBJECT);
        long begin = bytes(count, 1);
        if (count > Integer.MAX_VALUE - 8) throw bad("should have fewer than 2^31 bytes of text, found " + count);
        return copy(begin, (int) count);
    }

    private byte[] copy(long begin, int count) {
        var bytes = new byte[count];
        MemorySegment.copy(file, ValueLayout.JAVA_BYTE, begin, bytes, 0, count);
        return bytes;
    }

    private String text(long count) throws FormatException {
        if (count > scratch.length) {
            var raw = raw(count);
            spend(2 * OBJECT + count);
            return new String(raw, StandardCharsets.UTF_8);
        }
        spend(2 * OBJECT);
        long begin = bytes(count, 1);
        MemorySegment.copy(file, ValueLayout.JAVA_BYTE, begin, scratch, 0, (int) count);
        return new String(scratch, 0, (int) count, StandardCharsets.UTF_8);
    }

    private String line() throws FormatException {
        long from = at;
        while (one() != '\n') {
            if (at - from > LONGEST_NAME) throw bad("should name a global of at most " + LONGEST_NAME + " letters, found more");
        }
        spend(3 * OBJECT + 2 * (at - from));
        return new String(copy(from, (int) (at - from - 1)), StandardCharsets.UTF_8);
    }

    /** Little-endian two's complement; what does not fit a long is a number all the same, as the mark of old files is. */
    private Object integer(long count) throws FormatException {
        if (count > LONGEST_NUMBER) throw bad("should have a number of at most " + LONGEST_NUMBER + " bytes, found " + count);
        if (count > Long.BYTES) {
            bytes(count, 0);
            return new Pickled.Other("a number of " + count + " bytes");
        }
        long begin = bytes(count, 0), value = 0;
        for (int i = 0; i < count; i++) value |= (file.get(ValueLayout.JAVA_BYTE, begin + i) & 0xffL) << 8 * i;
        int unused = Long.SIZE - 8 * (int) count;
        return number(count == 0 ? 0 : value << unused >> unused);
    }

    private Long number(long value) throws FormatException {
        if (value != (byte) value) spend(OBJECT);
        return value;
    }

    private <T> T made(T value) throws FormatException {
        spend(OBJECT);
        return value;
    }

    private Sequence tuple(Object... values) throws FormatException {
        spend(OBJECT + 4 * SLOT);
        return new Sequence(Arrays.asList(values));
    }

    private Sequence list(Object... values) throws FormatException {
        spend(3 * OBJECT + 2L * SLOT * values.length);
        var list = new ArrayList<>(values.length);
        Collections.addAll(list, values);
        return new Sequence(list);
    }

    private Dict dict() throws FormatException {
        spend(2 * OBJECT);
        return new Dict();
    }

    private Global global(String module, String name) throws FormatException {
        spend(2 * OBJECT + module.length() + name.length());
        var full = module + "." + name;
        if (!TorchNames.isKnown(full)) {
            throw bad("should name nothing but tensors and containers, found " + Header.quote(full)
                + (full.startsWith("torch._utils.") ? "" : ": it has to be saved as model.state_dict() alone"));
        }
        return new Global(full);
    }

    private static String textOf(Object value) {
        return value instanceof String text ? text : Pickled.name(value);
    }

    // What is done.

    private void call(Object function, Object tuple) throws FormatException {
        if (!(function instanceof Global global) || !(tuple instanceof Sequence arguments)) {
            throw bad("should call a global with a tuple, found " + Pickled.name(function) + " and " + Pickled.name(tuple));
        }
        spend(2 * OBJECT);
        var result = TorchNames.call(global.name(), arguments.values());
        if (result == null) throw bad("should call " + Header.quote(global.name()) + " with what it takes, found " + described(arguments));
        if (result instanceof View view) spend(VIEW + SLOT * 4L * view.sizes().length);
        push(result);
    }

    private Object storage(Object id) throws FormatException {
        spend(2 * OBJECT);
        var storage = id instanceof Sequence values ? TorchNames.storage(values.values()) : null;
        if (storage == null) {
            throw bad("should refer to a storage by its type, key, place and size, found "
                + (id instanceof Sequence values ? described(values) : Pickled.name(id)));
        }
        if (storages.putIfAbsent(storage.key(), storage.dtype()) == null) spend(2 * OBJECT + 2 * SLOT);
        return storage;
    }

    private static String described(Sequence values) {
        var names = values.values().stream().limit(8).map(Pickled::name).toList();
        return "(" + String.join(", ", names) + (values.values().size() > 8 ? ", ..." : "") + ")";
    }

    /** Attributes: those of dicts, such as a state_dict's versions, and of tensors do not matter. */
    private void build(Object state) throws FormatException {
        if (!(peek() instanceof Dict) && !(peek() instanceof View)) {
            throw bad("should give attributes to a dict or tensor, found " + Pickled.name(peek()) + " and " + Pickled.name(state));
        }
    }

    private void append(Object... values) throws FormatException {
        if (!(peek() instanceof Sequence sequence)) throw bad("should append to a list, found " + Pickled.name(peek()));
        if (!(sequence.values() instanceof ArrayList<Object> list)) throw bad("should append to a list, found a tuple");
        spend(OBJECT + 5L * SLOT * values.length); // lists grow by half
        for (var value : values) list.add(value);
    }

    private void put(Object[] keysAndValues) throws FormatException {
        if (!(peek() instanceof Dict dict)) throw bad("should put items into a dict, found " + Pickled.name(peek()));
        put(dict, keysAndValues);
    }

    private void put(Dict dict, Object[] keysAndValues) throws FormatException {
        if (keysAndValues.length % 2 != 0) throw bad("should give each key a value, found " + keysAndValues.length + " objects");
        spend((OBJECT + 3 * SLOT) * (keysAndValues.length / 2L));
        for (int i = 0; i < keysAndValues.length; i += 2) dict.items().add(new Item(keysAndValues[i], keysAndValues[i + 1]));
    }

    // The stack and the memo.

    private void push(Object value) throws FormatException {
        if (depth == stack.length) stack = grown(stack);
        stack[depth++] = value;
    }

    private Object pop() throws FormatException {
        var top = peek();
        depth--;
        return top;
    }

    private Object peek() throws FormatException {
        if (depth <= floor()) throw underflow(1);
        return stack[depth - 1];
    }

    private Object[] popped(int count) throws FormatException {
        if (depth - count < floor()) throw underflow(count);
        spend(OBJECT + (long) SLOT * count);
        depth -= count;
        return Arrays.copyOfRange(stack, depth, depth + count);
    }

    private int floor() {
        return marked == 0 ? 0 : marks[marked - 1];
    }

    private FormatException underflow(int count) {
        return bad("should find " + count + (count == 1 ? " object" : " objects") + " on the stack, found " + (depth - floor()));
    }

    private void mark() throws FormatException {
        if (marked == marks.length) {
            spend(2L * Integer.BYTES * marks.length);
            marks = Arrays.copyOf(marks, 2 * marks.length);
        }
        marks[marked++] = depth;
    }

    private Object[] popToMark() throws FormatException {
        if (marked == 0) throw bad("should follow a mark, found none");
        int from = marks[--marked];
        spend(OBJECT + (long) SLOT * (depth - from));
        var values = Arrays.copyOfRange(stack, from, depth);
        depth = from;
        return values;
    }

    private void remember(long index) throws FormatException {
        if (index > memoized + 16L) throw bad("should number objects one by one, found " + index + " after " + memoized);
        if (index >= memo.length) memo = grown(memo);
        memo[(int) index] = peek();
        memoized = Math.max(memoized, (int) index + 1);
    }

    private Object remembered(long index) throws FormatException {
        if (index >= memoized) throw bad("should refer to one of " + memoized + " earlier objects, found " + index);
        return memo[(int) index];
    }

    private Object[] grown(Object[] array) throws FormatException {
        spend(2L * SLOT * array.length);
        return Arrays.copyOf(array, 2 * array.length);
    }

    /** Takes {@code bytes} of memory, more or less, for what is made of the file. */
    void spend(long bytes) throws FormatException {
        left -= bytes;
        if (left < 0) throw bad("should make objects in keeping with the file's " + file.byteSize() + " bytes, found too many");
    }

    private FormatException bad(String what) {
        return new FormatException(source + ": the pickle at byte " + opcodeAt + " " + what);
    }
}
