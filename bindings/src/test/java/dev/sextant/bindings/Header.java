// SPDX-License-Identifier: Apache-2.0
package dev.sextant.bindings;

import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * What a C header declares, read with as much of C as sextant.h uses: enums with values, structs of scalars, arrays and structs,
 * functions of scalars and pointers. Sizes and offsets are those of a 64-bit System V or AAPCS64 machine.
 */
record Header(Map<String, Long> constants, Map<String, Struct> structs, Map<String, Function> functions) {
    /** A field; {@code type} is the C name without qualifiers, or pointer, {@code count} 0 for what is no array. */
    record Field(String name, String type, long count, long offset, long size) {}

    record Struct(List<Field> fields, long size, long alignment) {}

    /** Argument and result types as the linker sees them: int, long, float, pointer, void. */
    record Function(String result, List<String> arguments) {}

    private static final Pattern ENUM = Pattern.compile("\\benum\\s*\\{([^}]*)\\}\\s*;");
    private static final Pattern STRUCT = Pattern.compile("\\btypedef\\s+struct\\s+(\\w+)\\s*\\{([^}]*)\\}\\s*(\\w+)\\s*;");
    private static final Pattern FUNCTION = Pattern.compile("\\bSEXTANT_API\\s+([^;(]*?)(\\w+)\\s*\\(([^)]*)\\)\\s*;");
    private static final Pattern DECLARATOR = Pattern.compile("(\\w+)(?:\\[(\\w+)\\])?");

    static String text() throws IOException {
        return Files.readString(Path.of(System.getProperty("sextant.root"), "native/include/sextant/sextant.h"));
    }

    static Header parse(String text) {
        var code = text.replaceAll("(?s)/\\*.*?\\*/", " ").replaceAll("//.*", " ").replaceAll("(?m)^\\s*#.*$", " ");
        var constants = new LinkedHashMap<String, Long>();
        for (var match : all(ENUM, code)) {
            long next = 0;
            for (var entry : match.group(1).split(",")) {
                var sides = entry.strip().split("\\s*=\\s*");
                next = sides.length == 2 ? Long.decode(sides[1]) : next;
                constants.put(sides[0], next++);
            }
        }
        var structs = new LinkedHashMap<String, Struct>();
        for (var match : all(STRUCT, code)) {
            structs.put(match.group(3), struct(match.group(2), structs, constants));
        }
        var functions = new LinkedHashMap<String, Function>();
        for (var match : all(FUNCTION, code)) {
            var arguments = match.group(3).strip();
            functions.put(match.group(2), new Function(carrier(match.group(1)), arguments.equals("void")
                    ? List.of()
                    : List.of(arguments.split(",")).stream().map(a -> carrier(a.replaceFirst("\\w+\\s*$", ""))).toList()));
        }
        return new Header(constants, structs, functions);
    }

    private static Struct struct(String body, Map<String, Struct> structs, Map<String, Long> constants) {
        var fields = new ArrayList<Field>();
        long offset = 0;
        long alignment = 1;
        for (var declaration : body.strip().split(";")) {
            var words = declaration.strip().split("\\s+", 2);
            if (!words[0].matches("\\w+")) {
                continue;
            }
            var type = words[1].startsWith("*") ? "pointer" : words[0];
            var inner = structs.get(type);
            long size = inner != null ? inner.size : scalar(type).byteSize();
            long align = inner != null ? inner.alignment : scalar(type).byteAlignment();
            alignment = Math.max(alignment, align);
            for (var match : all(DECLARATOR, words[1])) {
                var length = match.group(2);
                long count = length == null ? 0 : constants.containsKey(length) ? constants.get(length) : Long.parseLong(length);
                offset = roundUp(offset, align);
                fields.add(new Field(match.group(1), type, count, offset, size * Math.max(count, 1)));
                offset += size * Math.max(count, 1);
            }
        }
        return new Struct(List.copyOf(fields), roundUp(offset, alignment), alignment);
    }

    static MemoryLayout scalar(String type) {
        return switch (type) {
            case "char", "int8_t", "uint8_t" -> ValueLayout.JAVA_BYTE;
            case "int16_t", "uint16_t" -> ValueLayout.JAVA_SHORT;
            case "int32_t", "uint32_t" -> ValueLayout.JAVA_INT;
            case "int64_t", "uint64_t", "size_t" -> ValueLayout.JAVA_LONG;
            case "float" -> ValueLayout.JAVA_FLOAT;
            case "double" -> ValueLayout.JAVA_DOUBLE;
            case "pointer" -> ValueLayout.ADDRESS;
            default -> throw new IllegalArgumentException("this test does not know the C type '" + type + "'");
        };
    }

    private static String carrier(String type) {
        if (type.contains("*")) {
            return "pointer";
        }
        var name = type.replaceAll("\\bconst\\b", "").strip();
        return name.equals("void") ? "void" : ((ValueLayout) scalar(name)).carrier().getSimpleName();
    }

    private static List<MatchResult> all(Pattern pattern, String text) {
        return pattern.matcher(text).results().toList();
    }

    private static long roundUp(long value, long unit) {
        return (value + unit - 1) / unit * unit;
    }
}
