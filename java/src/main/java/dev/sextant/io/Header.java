// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.Shape;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The JSON header of a safetensors file, checked as the format demands: every tensor's bytes match its type and shape, and the
 * tensors together cover the data exactly, without a hole, an overlap or a remainder.
 *
 * @param tensors by key
 * @param metadata the text under {@code __metadata__}
 * @param dataBytes bytes behind the header
 */
record Header(Map<String, Entry> tensors, Map<String, String> metadata, long dataBytes) {
    /** Longest header accepted, as in the format's own library. */
    static final long LONGEST = 100_000_000;

    static final String METADATA = "__metadata__";

    /**
     * One tensor; {@code begin} and {@code end} count bytes from the end of the header.
     *
     * @param strides in elements, or null if they lie row-major, one behind the other
     */
    record Entry(String key, DType dtype, Shape shape, long begin, long end, long[] strides) {}

    private static final JsonFactory JSON = JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    /**
     * Checks the length that a file's first eight bytes state.
     *
     * @param available bytes behind those eight, or {@code Long.MAX_VALUE} if not known yet
     */
    static int length(String source, long stated, long available) throws FormatException {
        if (stated < 0 || stated > LONGEST) {
            throw new FormatException(source + ": header length should be at most " + LONGEST + " bytes, found "
                + Long.toUnsignedString(stated) + " (is this a safetensors file?)");
        }
        if (stated > available) {
            throw new FormatException(source + ": header length is " + stated + " bytes, but only " + available + " follow");
        }
        if (stated < 2) throw new FormatException(source + ": header length should be at least 2 bytes, found " + stated);
        return (int) stated;
    }

    /**
     * Parses and checks a header.
     *
     * @param dataBytes bytes behind the header, or -1 to take what the header says
     */
    static Header parse(String source, ByteBuffer json, long dataBytes) throws FormatException {
        if (json.get(json.position()) != '{') {
            throw new FormatException(source + ": header should begin with '{', found byte 0x"
                + String.format("%02x", json.get(json.position())));
        }
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(json).toString();
        } catch (CharacterCodingException e) {
            throw new FormatException(source + ": header should be UTF-8 text, but is not", e);
        }
        try (var parser = JSON.createParser(ObjectReadContext.empty(), text)) {
            return new Reader(source, parser).header(dataBytes);
        } catch (JacksonException e) {
            // Jackson appends where an unclosed object began in its own notation; the position says the same.
            var complaint = e.getOriginalMessage().replaceAll("\\s+", " ").replaceAll(" \\(start marker at .*", "");
            throw new FormatException(source + ": header is not valid JSON at character " + e.getLocation().getCharOffset()
                + ": " + complaint, e);
        }
    }

    /** Walks the tokens of one header. */
    private record Reader(String source, JsonParser parser) {

        Header header(long dataBytes) throws FormatException {
            var tensors = new TreeMap<String, Entry>();
            Map<String, String> metadata = Map.of();
            expect(parser.nextToken(), JsonToken.START_OBJECT, "header", "an object");
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                var key = parser.currentName();
                parser.nextToken();
                if (key.equals(METADATA)) {
                    metadata = metadata();
                } else {
                    tensors.put(key, entry(key));
                }
            }
            if (parser.nextToken() != null) {
                throw new FormatException(source + ": header should be one JSON object, but more text follows it");
            }
            return new Header(Collections.unmodifiableSortedMap(tensors), metadata, cover(tensors, dataBytes));
        }

        private Map<String, String> metadata() throws FormatException {
            expect(parser.currentToken(), JsonToken.START_OBJECT, METADATA, "an object of text values");
            var map = new LinkedHashMap<String, String>();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                var key = parser.currentName();
                expect(parser.nextToken(), JsonToken.VALUE_STRING, METADATA + " " + quote(key), "text");
                map.put(key, parser.getString());
            }
            return Collections.unmodifiableMap(map);
        }

        private Entry entry(String key) throws FormatException {
            var where = "tensor " + quote(key);
            expect(parser.currentToken(), JsonToken.START_OBJECT, where, "an object with dtype, shape and data_offsets");
            DType dtype = null;
            long[] dims = null;
            long[] offsets = null;
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                var field = parser.currentName();
                var token = parser.nextToken();
                switch (field) {
                    case "dtype" -> {
                        expect(token, JsonToken.VALUE_STRING, where + ": dtype", "text");
                        dtype = dtype(where, parser.getString());
                    }
                    case "shape" -> dims = numbers(where + ": shape");
                    case "data_offsets" -> offsets = numbers(where + ": data_offsets");
                    default -> throw new FormatException(source + ": " + where + ": expected dtype, shape and data_offsets, found "
                        + quote(field));
                }
            }
            if (dtype == null) throw missing(where, "dtype");
            if (dims == null) throw missing(where, "shape");
            if (offsets == null) throw missing(where, "data_offsets");
            return checked(where, key, dtype, dims, offsets);
        }

        private Entry checked(String where, String key, DType dtype, long[] dims, long[] offsets) throws FormatException {
            Shape shape;
            long bytes;
            try {
                shape = new Shape(Arrays.stream(dims).mapToObj(Math::toIntExact).toList());
                bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
            } catch (ArithmeticException | IllegalArgumentException e) {
                throw new FormatException(source + ": " + where + ": shape should have dimensions from 0 to " + Integer.MAX_VALUE
                    + " and fewer than 2^63 bytes, found " + Arrays.toString(dims), e);
            }
            if (offsets.length != 2 || offsets[0] < 0 || offsets[1] < offsets[0]) {
                throw new FormatException(source + ": " + where + ": data_offsets should be [begin, end] with 0 <= begin <= end,"
                    + " found " + Arrays.toString(offsets));
            }
            if (offsets[1] - offsets[0] != bytes) {
                throw new FormatException(source + ": " + where + ": " + dtype + " of shape " + shape + " takes " + bytes
                    + " bytes, but data_offsets " + Arrays.toString(offsets) + " hold " + (offsets[1] - offsets[0]));
            }
            return new Entry(key, dtype, shape, offsets[0], offsets[1], null);
        }

        /** Checks that the tensors lie side by side from the first data byte to the last; returns the number of data bytes. */
        private long cover(Map<String, Entry> tensors, long dataBytes) throws FormatException {
            var ordered = new ArrayList<>(tensors.values());
            ordered.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
            long end = 0;
            String before = null;
            for (var entry : ordered) {
                var where = source + ": tensor " + quote(entry.key())
                    + ": data_offsets [" + entry.begin() + ", " + entry.end() + "] ";
                if (dataBytes >= 0 && entry.end() > dataBytes) {
                    throw new FormatException(where + "reach past the file's " + dataBytes + " data bytes");
                }
                if (entry.begin() < end) {
                    throw new FormatException(where + "overlap tensor " + quote(before) + ", which ends at " + end);
                }
                if (entry.begin() > end) {
                    throw new FormatException(where + "leave a hole: expected to begin at " + end + ", where "
                        + (before == null ? "the data begins" : "tensor " + quote(before) + " ends"));
                }
                end = entry.end();
                before = entry.key();
            }
            if (dataBytes >= 0 && end != dataBytes) {
                throw new FormatException(source + ": tensors end at byte " + end + " of the data, but the file has "
                    + dataBytes + " data bytes");
            }
            return end;
        }

        private DType dtype(String where, String name) throws FormatException {
            for (var dtype : DType.values()) {
                if (dtype.name().equals(name)) return dtype;
            }
            throw new FormatException(source + ": " + where + ": dtype should be one of " + List.of(DType.values()) + ", found "
                + quote(name));
        }

        private long[] numbers(String where) throws FormatException {
            expect(parser.currentToken(), JsonToken.START_ARRAY, where, "a list of integers");
            var values = new long[4];
            int count = 0;
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT, where, "a list of integers");
                if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                    throw new FormatException(source + ": " + where + " should hold integers under 2^63, found "
                        + quote(parser.getString()));
                }
                if (count == values.length) values = Arrays.copyOf(values, 2 * count);
                values[count++] = parser.getLongValue();
            }
            return Arrays.copyOf(values, count);
        }

        private void expect(JsonToken found, JsonToken wanted, String where, String description) throws FormatException {
            if (found == wanted) return;
            throw new FormatException(source + ": " + where + " should be " + description + ", found "
                + switch (found) {
                    case null -> "the header's end";
                    case START_OBJECT, END_OBJECT -> "an object";
                    case START_ARRAY, END_ARRAY -> "a list";
                    default -> quote(parser.getString());
                });
        }

        private FormatException missing(String where, String field) {
            return new FormatException(source + ": " + where + ": expected dtype, shape and data_offsets, found no " + field);
        }
    }

    /** A key as it may stand in a one-line message: control characters replaced, cut at 200 characters. */
    static String quote(String text) {
        var shown = text.length() > 200 ? text.substring(0, 200) + "..." : text;
        return "'" + shown.replaceAll("\\p{Cntrl}", "?") + "'";
    }
}
