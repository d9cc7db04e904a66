// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.Shape;
import dev.sextant.io.Pickled.Dict;
import dev.sextant.io.Pickled.Sequence;
import dev.sextant.io.Pickled.Storage;
import dev.sextant.io.Pickled.View;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Reads what PyTorch's {@code torch.save} writes of a {@code state_dict}: {@code .pth}, {@code .pt}, {@code .th}, {@code .ckpt} (format:
 * pytorch/pytorch, torch/serialization.py). Both forms are known: a zip archive of a pickle and an entry for each storage, and, of files
 * before PyTorch 1.6, pickles in a row with the storages behind them. Nothing in such a file is ever run: names other than those of
 * tensors and containers are refused. Tensors may be views of a storage with any strides.
 */
public final class PyTorchCheckpoint {
    /** How an old file begins: a pickle of the number 0x1950a86a20f9469cfc6c. */
    private static final byte[] MAGIC = {(byte) 0x80, 2, (byte) 0x8a, 10, 0x6c, (byte) 0xfc, (byte) 0x9c, 0x46, (byte) 0xf9, 0x20, 0x6a,
        (byte) 0xa8, 0x50, 0x19, '.'};
    private static final int PROTOCOL = 1001;

    /** What training scripts call the parameters among the other things they save. */
    private static final List<String> STATES = List.of("state_dict", "model_state_dict", "model_state", "model", "net", "network",
        "module", "params", "weights");
    private static final int DEEPEST = 3, LISTED = 8;
    private static final ValueLayout.OfLong EIGHT = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String source;
    private final MemorySegment file;
    private final Map<String, ZipIndex.Range> storages = new HashMap<>();

    private PyTorchCheckpoint(String source, MemorySegment file) {
        this.source = source;
        this.file = file;
    }

    /**
     * Opens a file. It is mapped, not read: float32 tensors whose elements lie in order are the file's own pages.
     *
     * @throws FormatException if anything in the file contradicts the format, or it holds more than tensors and containers, or no
     *     dict of tensors
     * @throws IOException if the file cannot be read
     */
    public static Weights open(Path file) throws IOException {
        var source = file.toString();
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            Header header;
            try (var arena = Arena.ofConfined()) {
                var mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
                header = new PyTorchCheckpoint(source, mapped).header();
            }
            return StoredWeights.of(source, header, arena -> channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena));
        }
    }

    /** Whether a file that begins with {@code first} is one of PyTorch's, or at least a zip archive or a pickle. */
    static boolean beginsWith(byte[] first) {
        return first.length > 3 && first[0] == 'P' && first[1] == 'K' && first[2] == 3 && first[3] == 4
            || first.length > 1 && first[0] == (byte) 0x80 && first[1] >= 2 && first[1] <= 5;
    }

    private Header header() throws FormatException {
        var begin = file.asSlice(0, Math.min(MAGIC.length, file.byteSize())).toArray(ValueLayout.JAVA_BYTE);
        if (Arrays.equals(begin, MAGIC)) return row();
        if (begin.length > 1 && begin[0] == 'P' && begin[1] == 'K') return archive();
        throw new FormatException(source + ": a PyTorch checkpoint is a zip archive or begins with PyTorch's own number, found neither");
    }

    // The zip form: NAME/data.pkl, NAME/data/KEY for each storage.

    private Header archive() throws FormatException {
        var zip = new ZipIndex(source, file);
        var root = root(zip);
        var order = root + "byteorder";
        if (zip.has(order)) {
            var range = zip.range(order);
            if (range.end() - range.begin() != 6 || file.get(ValueLayout.JAVA_BYTE, range.begin()) != 'l') {
                throw new FormatException(source + ": entry " + Header.quote(order) + " should be little, found another");
            }
        }
        var pickle = zip.range(root + "data.pkl");
        var unpickler = new Unpickler(source, file, pickle.begin(), pickle.end());
        var state = state(unpickler.read());
        for (var view : state.values()) {
            var key = view.storage().key();
            if (!storages.containsKey(key)) storages.put(key, zip.range(root + "data/" + key));
        }
        return header(state, unpickler);
    }

    private String root(ZipIndex zip) throws FormatException {
        var names = new ArrayList<String>();
        for (var name : zip.names()) {
            if (name.equals("data.pkl") || name.endsWith("/data.pkl") && name.indexOf('/') == name.lastIndexOf('/')) {
                return name.substring(0, name.length() - "data.pkl".length());
            }
            if (names.size() < LISTED) names.add(Header.quote(name));
        }
        throw new FormatException(source + ": a PyTorch checkpoint's archive should have an entry 'archive/data.pkl', found "
            + (names.isEmpty() ? "none at all" : String.join(", ", names)));
    }

    // The older form: a number, a version, facts about the machine, the object, the storages' keys; then each storage's size and bytes.

    private Header row() throws FormatException {
        var unpickler = new Unpickler(source, file, 0, file.byteSize());
        unpickler.read();
        if (!(unpickler.read() instanceof Long version) || version != PROTOCOL) {
            throw new FormatException(source + ": the checkpoint should be of version " + PROTOCOL + ", found another");
        }
        if (!(unpickler.read() instanceof Dict machine) || !Boolean.TRUE.equals(machine.get("little_endian"))) {
            throw new FormatException(source + ": the checkpoint should come from a little-endian machine, found another");
        }
        var state = state(unpickler.read());
        if (!(unpickler.read() instanceof Sequence keys)) {
            throw new FormatException(source + ": the checkpoint should list its storages' keys, found none");
        }
        for (var key : keys.values()) {
            var type = key instanceof String text ? unpickler.storageType(text) : null;
            if (type == null) {
                throw new FormatException(source + ": the checkpoint's list of storages should name those of its tensors, found "
                    + (key instanceof String text ? Header.quote(text) : Pickled.name(key)));
            }
            unpickler.skip(Long.BYTES);
            long begin = unpickler.position(), count = file.get(EIGHT, begin - Long.BYTES);
            if (count < 0 || count > (file.byteSize() - begin) / type.bytes()) {
                throw new FormatException(source + ": storage " + Header.quote((String) key) + " should have its " + count
                    + " elements from byte " + begin + ", but the file has " + file.byteSize() + " bytes");
            }
            unpickler.skip(count * type.bytes());
            storages.put((String) key, new ZipIndex.Range(begin, unpickler.position()));
        }
        return header(state, unpickler);
    }

    // From what was pickled to named tensors.

    /** The tensors of the dict that is the network's. */
    private Map<String, View> state(Object root) throws FormatException {
        if (!(root instanceof Dict dict)) {
            throw new FormatException(source + ": should hold a dict of tensors, model.state_dict(), found " + Pickled.name(root));
        }
        var state = state(dict, DEEPEST, Collections.newSetFromMap(new IdentityHashMap<>()));
        if (state == null) {
            var keys = dict.items().stream().limit(LISTED).map(item -> item.key() instanceof String text ? Header.quote(text)
                : Pickled.name(item.key())).collect(Collectors.joining(", "));
            throw new FormatException(source + ": should hold a dict of tensors, model.state_dict(), found "
                + (keys.isEmpty() ? "an empty dict" : "a dict of " + keys + (dict.items().size() > LISTED ? ", ..." : "")));
        }
        return state;
    }

    /**
     * Null if there is none. Other things may lie beside it: epochs, options, an optimizer's state, the best accuracy as a tensor.
     *
     * @param seen dicts that have been looked at: a pickle's may hold themselves
     */
    private static Map<String, View> state(Dict dict, int deepest, Set<Dict> seen) {
        if (deepest == 0 || !seen.add(dict)) return null;
        var named = new Dict[STATES.size()];
        for (var item : dict.items()) {
            int name = item.value() instanceof Dict && item.key() instanceof String key ? STATES.indexOf(key) : -1;
            if (name >= 0) named[name] = (Dict) item.value();
        }
        for (var inner : named) {
            var state = inner == null ? null : state(inner, deepest - 1, seen);
            if (state != null) return state;
        }
        var tensors = new TreeMap<String, View>();
        for (var item : dict.items()) {
            if (item.key() instanceof String key && item.value() instanceof View view) tensors.put(key, view);
        }
        if (!tensors.isEmpty()) return tensors;
        var inner = dict.items().stream().filter(item -> item.value() instanceof Dict).toList();
        return inner.size() == 1 ? state((Dict) inner.getFirst().value(), deepest - 1, seen) : null;
    }

    private Header header(Map<String, View> state, Unpickler unpickler) throws FormatException {
        var entries = new TreeMap<String, Header.Entry>();
        for (var item : state.entrySet()) {
            var entry = entry(item.getKey(), item.getValue());
            entries.put(item.getKey(), entry);
            unpickler.spend(converted(entry));
        }
        return new Header(entries, Map.of(), file.byteSize());
    }

    /** Bytes that reading the tensor takes, beside those of the file. */
    private static long converted(Header.Entry entry) {
        if (entry.dtype() == DType.F32 && entry.strides() == null && entry.begin() % Float.BYTES == 0) return 0;
        int each = Float.BYTES + (entry.strides() == null ? 0 : entry.dtype().bytes());
        return Math.min(entry.shape().elements(), Long.MAX_VALUE >> 4) * each;
    }

    private Header.Entry entry(String key, View view) throws FormatException {
        var where = source + ": tensor " + Header.quote(key);
        var range = storages.get(view.storage().key());
        if (range == null) {
            throw new FormatException(where + " should lie in storage " + Header.quote(view.storage().key()) + ", but the file has none");
        }
        var shape = shape(where, view.sizes());
        int each = view.dtype().bytes();
        long begin, bytes;
        try {
            long first = Math.multiplyExact(view.storage().first(), (long) view.storage().dtype().bytes());
            begin = Math.addExact(first, Math.multiplyExact(view.offset(), (long) each));
            bytes = Math.multiplyExact(span(view, shape), (long) each);
            long stated = Math.multiplyExact(view.storage().count(), (long) view.storage().dtype().bytes());
            long there = Math.min(Math.addExact(first, stated), range.end() - range.begin());
            if (Math.addExact(begin, bytes) > there) {
                throw new FormatException(where + " of shape " + shape + " should take bytes " + begin + " to " + (begin + bytes)
                    + " of storage " + Header.quote(view.storage().key()) + ", which has " + there);
            }
        } catch (ArithmeticException e) {
            throw new FormatException(where + " should have fewer than 2^63 bytes, found shape " + shape + " with strides "
                + Arrays.toString(view.strides()), e);
        }
        return new Header.Entry(key, view.dtype(), shape, range.begin() + begin, range.begin() + begin + bytes,
            isDense(view) ? null : view.strides());
    }

    private static Shape shape(String where, long[] sizes) throws FormatException {
        try {
            return new Shape(Arrays.stream(sizes).mapToObj(Math::toIntExact).toList());
        } catch (ArithmeticException | IllegalArgumentException e) {
            throw new FormatException(where + ": shape should have dimensions from 0 to " + Integer.MAX_VALUE
                + " and fewer than 2^63 elements, found " + Arrays.toString(sizes), e);
        }
    }

    /** From the first to the last element, in elements. */
    private static long span(View view, Shape shape) {
        if (shape.elements() == 0) return 0;
        long last = 0;
        for (int i = 0; i < view.sizes().length; i++) {
            last = Math.addExact(last, Math.multiplyExact(view.sizes()[i] - 1, view.strides()[i]));
        }
        return Math.addExact(last, 1);
    }

    /** Whether the elements lie row-major, one behind the other. */
    private static boolean isDense(View view) {
        if (Arrays.stream(view.sizes()).anyMatch(size -> size == 0)) return true;
        long stride = 1;
        for (int i = view.sizes().length - 1; i >= 0; i--) {
            if (view.sizes()[i] != 1 && view.strides()[i] != stride) return false;
            stride *= view.sizes()[i];
        }
        return true;
    }
}
