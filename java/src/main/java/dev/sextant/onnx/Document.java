// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import java.util.List;
import java.util.Map;

/**
 * What an ONNX file says, as far as a network needs it; the names are those of onnx.proto3 in plainer words.
 *
 * @param opset version of the operators of the domain {@code ai.onnx}
 * @param metadata the model's own notes, text to text
 */
record Document(String source, long opset, Graph graph, Map<String, String> metadata) {

    record Graph(List<Node> nodes, List<Stored> initializers, List<Info> inputs, List<Info> outputs) {}

    record Node(String name, String operator, String domain, List<String> inputs, List<String> outputs, List<Attribute> attributes) {}

    /** One value of a node; which of the fields holds it is for {@code type} to say, one of the constants here. */
    record Attribute(String name, int type, float real, long integer, String text, Stored tensor, float[] reals, long[] integers) {
        static final int FLOAT = 1, INT = 2, STRING = 3, TENSOR = 4, FLOATS = 6, INTS = 7;
    }

    /** An input or output of the graph; a dimension of -1 is left open. {@code dims} is null where nothing is said. */
    record Info(String name, int type, long[] dims) {}

    /** So many bytes of the file from one on. */
    record Span(long offset, long bytes) {
        static final Span NONE = new Span(0, 0);
    }

    /**
     * A tensor in the file or beside it.
     *
     * @param raw its little-endian elements, where it has them so; null if not
     * @param field number of the field that has them otherwise, 0 if none has
     * @param packed the content of that field
     * @param loose or the bits of its elements, where each has a tag of its own
     * @param external where else they are: {@code location}, {@code offset}, {@code length}; null if in the file
     */
    record Stored(String name, int type, long[] dims, Span raw, int field, Span packed, long[] loose, Map<String, String> external) {
        static final int FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7, BOOL = 9, FLOAT16 = 10, DOUBLE = 11, BFLOAT16 = 16;
        static final int FLOAT_DATA = 4, INT32_DATA = 5, INT64_DATA = 7, DOUBLE_DATA = 10;
    }
}
