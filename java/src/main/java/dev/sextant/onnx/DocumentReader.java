// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import dev.sextant.io.FormatException;
import dev.sextant.onnx.Document.Attribute;
import dev.sextant.onnx.Document.Graph;
import dev.sextant.onnx.Document.Info;
import dev.sextant.onnx.Document.Node;
import dev.sextant.onnx.Document.Span;
import dev.sextant.onnx.Document.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads onnx.proto3 (the ONNX project's; field numbers from there) without generated classes. The elements of tensors are passed over:
 * only where they lie is noted. What has no meaning here is passed over too, whatever its size.
 */
final class DocumentReader {
    /** More than any network has, and little enough to have in memory whatever a file claims. */
    private static final int MOST_NODES = 20_000, MOST_VALUES = 1 << 16, MOST_NAMES = 4096, MOST_DIMS = 16;

    private final String source;
    private final CodedInputStream in;
    /** Of the operators that need no domain. */
    private long opset;

    private DocumentReader(String source, InputStream stream) {
        this.source = source;
        this.in = CodedInputStream.newInstance(stream);
    }

    /** @throws FormatException if the bytes are no ONNX model, naming {@code source} and what is wrong */
    static Document read(String source, InputStream stream) throws IOException {
        try {
            return new DocumentReader(source, stream).model();
        } catch (InvalidProtocolBufferException e) {
            throw new FormatException(source + ": expected an ONNX model, found broken protobuf: "
                + e.getMessage().strip().replaceAll("\\s+", " "), e);
        }
    }

    // ------------------------------------------------------------------------------------------ messages

    private Document model() throws IOException {
        var metadata = new LinkedHashMap<String, String>();
        var graphs = new ArrayList<Graph>();
        fields("model", tag -> {
            switch (tag) {
                case 7 << 3 | 2 -> {
                    if (!graphs.isEmpty()) throw malformed("expected one graph, found another");
                    graphs.add(graph());
                }
                case 8 << 3 | 2 -> opset();
                case 14 << 3 | 2 -> entry(metadata);
                default -> skip(tag);
            }
        });
        if (graphs.isEmpty()) throw malformed("expected an ONNX model, found no graph in it");
        return new Document(source, opset, graphs.getFirst(), metadata);
    }

    private void opset() throws IOException {
        var domain = new String[] {""};
        var version = new long[1];
        message("opset", tag -> {
            switch (tag) {
                case 1 << 3 | 2 -> domain[0] = name();
                case 2 << 3 -> version[0] = in.readInt64();
                default -> skip(tag);
            }
        });
        if (domain[0].isEmpty() || domain[0].equals("ai.onnx")) opset = version[0];
    }

    private Graph graph() throws IOException {
        var nodes = new ArrayList<Node>();
        var initializers = new ArrayList<Stored>();
        var inputs = new ArrayList<Info>();
        var outputs = new ArrayList<Info>();
        message("graph", tag -> {
            switch (tag) {
                case 1 << 3 | 2 -> add(nodes, node(), MOST_NODES, "nodes");
                case 5 << 3 | 2 -> add(initializers, tensor(), MOST_NODES, "initializers");
                case 11 << 3 | 2 -> add(inputs, info(), MOST_NODES, "inputs");
                case 12 << 3 | 2 -> add(outputs, info(), MOST_NODES, "outputs");
                case 15 << 3 | 2 -> throw new UnsupportedOperationException(source + ": expected dense initializers, found a sparse one");
                default -> skip(tag);
            }
        });
        return new Graph(nodes, initializers, inputs, outputs);
    }

    private Node node() throws IOException {
        var texts = new String[] {"", "", ""};
        var inputs = new ArrayList<String>(2);
        var outputs = new ArrayList<String>(1);
        var attributes = new ArrayList<Attribute>(2);
        message("node", tag -> {
            switch (tag) {
                case 1 << 3 | 2 -> add(inputs, name(), MOST_NAMES, "inputs of one node");
                case 2 << 3 | 2 -> add(outputs, name(), MOST_NAMES, "outputs of one node");
                case 3 << 3 | 2 -> texts[0] = name();
                case 4 << 3 | 2 -> texts[1] = name();
                case 5 << 3 | 2 -> add(attributes, attribute(), 64, "attributes of one node");
                case 7 << 3 | 2 -> texts[2] = name();
                default -> skip(tag);
            }
        });
        if (texts[1].isEmpty()) throw malformed("node '" + texts[0] + "': expected an operator, found none");
        if (outputs.isEmpty()) throw malformed("node '" + texts[0] + "' (" + texts[1] + "): expected an output, found none");
        return new Node(texts[0], texts[1], texts[2], inputs, outputs, attributes);
    }

    private Attribute attribute() throws IOException {
        var texts = new String[] {"", ""};
        var real = new float[1];
        var numbers = new long[2];
        var tensor = new Stored[1];
        var reals = new Bits();
        var integers = new Bits();
        message("attribute", tag -> {
            switch (tag) {
                case 1 << 3 | 2 -> texts[0] = name();
                case 2 << 3 | 5 -> real[0] = in.readFloat();
                case 3 << 3 -> numbers[0] = in.readInt64();
                case 4 << 3 | 2 -> texts[1] = name();
                case 5 << 3 | 2 -> tensor[0] = tensor();
                case 7 << 3 | 2 -> packed("floats", () -> reals.add(in.readFixed32(), MOST_VALUES));
                case 7 << 3 | 5 -> reals.add(in.readFixed32(), MOST_VALUES);
                case 8 << 3 | 2 -> packed("ints", () -> integers.add(in.readInt64(), MOST_VALUES));
                case 8 << 3 -> integers.add(in.readInt64(), MOST_VALUES);
                case 20 << 3 -> numbers[1] = in.readInt64();
                default -> skip(tag);
            }
        });
        var floats = new float[reals.count];
        for (int i = 0; i < floats.length; i++) floats[i] = Float.intBitsToFloat((int) reals.values[i]);
        int type = numbers[1] < 0 || numbers[1] > 20 ? 20 : (int) numbers[1];
        return new Attribute(texts[0], type, real[0], numbers[0], texts[1], tensor[0], floats, integers.all());
    }

    private Stored tensor() throws IOException {
        var name = new String[] {""};
        var numbers = new long[3];
        var dims = new Bits();
        var raw = new Span[1];
        var packed = new Span[1];
        var loose = new Bits();
        var external = new LinkedHashMap<String, String>();
        message("tensor", tag -> {
            switch (tag) {
                case 1 << 3 -> dims.add(in.readInt64(), MOST_DIMS);
                case 1 << 3 | 2 -> packed("dims", () -> dims.add(in.readInt64(), MOST_DIMS));
                case 2 << 3 -> numbers[0] = in.readInt64();
                case 4 << 3 | 2, 5 << 3 | 2, 7 << 3 | 2, 10 << 3 | 2, 11 << 3 | 2 -> {
                    if (numbers[2] != 0) throw malformed("tensor '" + name[0] + "': expected its elements once, found them in pieces");
                    numbers[2] = tag >>> 3;
                    packed[0] = span();
                }
                case 4 << 3 | 5, 5 << 3, 7 << 3, 10 << 3 | 1, 11 << 3 -> {
                    if (numbers[2] != 0 && numbers[2] != tag >>> 3 || packed[0] != null) {
                        throw malformed("tensor '" + name[0] + "': expected its elements once, found them in pieces");
                    }
                    numbers[2] = tag >>> 3;
                    loose.add((tag & 7) == 5 ? in.readFixed32() : (tag & 7) == 1 ? in.readFixed64() : in.readInt64(), 1 << 28);
                }
                case 8 << 3 | 2 -> name[0] = name();
                case 9 << 3 | 2 -> raw[0] = span();
                case 13 << 3 | 2 -> entry(external);
                case 14 << 3 -> numbers[1] = in.readInt64();
                default -> skip(tag);
            }
        });
        int type = numbers[0] < 0 || numbers[0] > 100 ? 100 : (int) numbers[0];
        return new Stored(name[0], type, dims.all(), raw[0], (int) numbers[2], packed[0], loose.all(), numbers[1] == 1 ? external : null);
    }

    private Info info() throws IOException {
        var name = new String[] {""};
        var type = new long[1];
        var dims = new Bits();
        var isShaped = new boolean[1];
        message("value", tag -> {
            switch (tag) {
                case 1 << 3 | 2 -> name[0] = name();
                case 2 << 3 | 2 -> message("type", inType -> {
                    if (inType != (1 << 3 | 2)) {
                        skip(inType);
                        return;
                    }
                    message("tensor type", inTensor -> {
                        switch (inTensor) {
                            case 1 << 3 -> type[0] = in.readInt64();
                            case 2 << 3 | 2 -> {
                                isShaped[0] = true;
                                shape(dims);
                            }
                            default -> skip(inTensor);
                        }
                    });
                });
                default -> skip(tag);
            }
        });
        return new Info(name[0], type[0] < 0 || type[0] > 100 ? 100 : (int) type[0], isShaped[0] ? dims.all() : null);
    }

    private void shape(Bits dims) throws IOException {
        message("shape", tag -> {
            if (tag != (1 << 3 | 2)) {
                skip(tag);
                return;
            }
            var size = new long[] {-1};
            message("dimension", inDimension -> {
                if (inDimension == 1 << 3) size[0] = in.readInt64();
                else skip(inDimension);
            });
            dims.add(size[0] < 0 ? -1 : size[0], MOST_DIMS);
        });
    }

    private void entry(Map<String, String> entries) throws IOException {
        var texts = new String[] {"", ""};
        message("entry", tag -> {
            switch (tag) {
                case 1 << 3 | 2 -> texts[0] = in.readString();
                case 2 << 3 | 2 -> texts[1] = in.readString();
                default -> skip(tag);
            }
        });
        if (entries.size() >= MOST_NAMES) throw malformed("expected at most " + MOST_NAMES + " notes, found more");
        entries.put(texts[0], texts[1]);
    }

    /** What things are called, to stand in messages. */
    private String name() throws IOException {
        var name = in.readString();
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw malformed("expected names without control characters, found '" + name + "'");
        }
        return name;
    }

    // ------------------------------------------------------------------------------------------ the wire

    private interface Field {
        void read(int tag) throws IOException;
    }

    private interface Element {
        void read() throws IOException;
    }

    /** Everything up to the end of the file. */
    private void fields(String what, Field field) throws IOException {
        for (int tag; (tag = in.readTag()) != 0; ) field.read(tag);
        if (!in.isAtEnd()) throw malformed(what + ": expected a field, found tag 0");
    }

    private void message(String what, Field field) throws IOException {
        int limit = begin();
        for (int tag; (tag = in.readTag()) != 0; ) field.read(tag);
        end(what, limit);
    }

    /** Elements without tags. */
    private void packed(String what, Element element) throws IOException {
        int limit = begin();
        while (in.getBytesUntilLimit() > 0) element.read();
        end(what, limit);
    }

    private int begin() throws IOException {
        int bytes = in.readRawVarint32();
        if (bytes < 0) throw malformed("expected the length of a message, found " + bytes);
        return in.pushLimit(bytes);
    }

    private void end(String what, int limit) throws IOException {
        if (in.getBytesUntilLimit() != 0) throw malformed(what + ": expected a field, found tag 0");
        in.popLimit(limit);
    }

    private Span span() throws IOException {
        int bytes = in.readRawVarint32();
        if (bytes < 0) throw malformed("expected the length of a tensor, found " + bytes);
        var span = new Span(in.getTotalBytesRead(), bytes);
        in.skipRawBytes(bytes);
        return span;
    }

    private void skip(int tag) throws IOException {
        int type = WireFormat.getTagWireType(tag);
        if (type == WireFormat.WIRETYPE_START_GROUP || type == WireFormat.WIRETYPE_END_GROUP) {
            throw malformed("expected fields of ONNX, found a group, which it has not");
        }
        in.skipField(tag);
    }

    private <T> void add(List<T> list, T element, int most, String what) throws FormatException {
        if (list.size() >= most) throw malformed("expected at most " + most + " " + what + ", found more");
        list.add(element);
    }

    private FormatException malformed(String what) {
        return new FormatException(source + ": " + what);
    }

    /** A list of numbers that grows. */
    private final class Bits {
        long[] values = {};
        int count;

        void add(long value, int most) throws FormatException {
            if (count >= most) throw malformed("expected at most " + most + " numbers in a list, found more");
            if (count == values.length) values = Arrays.copyOf(values, Math.max(4, count + (count >> 1)));
            values[count++] = value;
        }

        long[] all() {
            return Arrays.copyOf(values, count);
        }
    }
}
