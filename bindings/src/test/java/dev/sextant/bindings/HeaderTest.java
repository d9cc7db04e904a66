// SPDX-License-Identifier: Apache-2.0
package dev.sextant.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The committed classes say what the header says. If not, a call would read its arguments from the wrong registers and fields. */
class HeaderTest {
    @Test
    void bindingsAgreeWithTheHeader() throws Exception {
        assertEquals(List.of(), disagreements(Header.parse(Header.text())));
    }

    /** This test would be worth nothing if it agreed with every header. */
    @ParameterizedTest(name = "{0} -> {1}")
    @CsvSource(delimiter = '|', value = {
        "sextant_version(void)              | sextant_version2(void)",
        "sextant_version(void)              | sextant_version(int32_t style)",
        "int32_t threads, sextant_device    | int64_t threads, sextant_device",
        "const char *sextant_version        | int32_t sextant_version",
        "sextant_memory_free(void *memory   | sextant_memory_free(int64_t memory",
        "int32_t r, s;                      | int32_t s, r;",
        "int32_t strict;                    | int64_t strict;",
        "float alpha, beta, bias;           | float alpha, beta;",
        "float alpha, beta, bias;           | int32_t alpha, beta, bias;",
        "char processor[64];                | char processor[32];",
        "sextant_tensor residual;           | int32_t residual;",
        "void *address;                     | int64_t address;",
        "SEXTANT_NCHW16C = 16               | SEXTANT_NCHW16C = 32",
        "SEXTANT_INTERNAL = 4               | SEXTANT_INTERNAL = 4, SEXTANT_LATE = 5",
        "typedef struct sextant_device      | typedef struct sextant_more { int32_t x; } sextant_more; typedef struct sextant_device",
    })
    void aChangedHeaderIsNoticed(String from, String to) throws Exception {
        var text = Header.text();
        var changed = text.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to));
        assertNotEquals(text, changed, "the header no longer says '" + from + "'");
        assertFalse(disagreements(Header.parse(changed)).isEmpty());
    }

    static List<String> disagreements(Header header) throws Exception {
        var found = new ArrayList<String>();
        compare(found, "functions", header.functions().keySet(), generatedFunctions());
        compare(found, "constants", header.constants().keySet(), generatedConstants());
        compare(found, "structs", header.structs().keySet(), generatedStructs());
        for (var constant : header.constants().entrySet()) {
            var method = method(sextant_h.class, constant.getKey());
            if (method != null && ((Number) method.invoke(null)).longValue() != constant.getValue()) {
                found.add("%s: %s in the header, %s in the bindings".formatted(constant.getKey(), constant.getValue(), method.invoke(null)));
            }
        }
        for (var function : header.functions().entrySet()) {
            var method = method(sextant_h.class, function.getKey() + "$descriptor");
            if (method != null) {
                var bound = function((FunctionDescriptor) method.invoke(null));
                compare(found, function.getKey(), function.getValue(), bound);
            }
        }
        for (var struct : header.structs().entrySet()) {
            if (generatedStructs().contains(struct.getKey())) {
                var layout = layout(struct.getKey());
                compareStructs(found, struct.getKey(), struct.getValue(), layout);
            }
        }
        return found;
    }

    private static void compareStructs(List<String> found, String name, Header.Struct struct, GroupLayout layout)
            throws ReflectiveOperationException {
        compare(found, name + ": size", struct.size(), layout.byteSize());
        compare(found, name + ": alignment", struct.alignment(), layout.byteAlignment());
        var bound = layout.memberLayouts().stream().map(MemoryLayout::name).flatMap(n -> n.stream()).toList();
        compare(found, name + ": fields", struct.fields().stream().map(Header.Field::name).toList(), bound);
        for (var field : struct.fields()) {
            if (bound.contains(field.name())) {
                var path = PathElement.groupElement(field.name());
                compare(found, name + "." + field.name(), field,
                        field(layout.select(path), field.name(), layout.byteOffset(path), struct));
            }
        }
    }

    /** A bound field in the header's terms; the type is the header's where the layout fits it. */
    private static Header.Field field(MemoryLayout member, String name, long offset, Header.Struct struct)
            throws ReflectiveOperationException {
        long count = member instanceof SequenceLayout sequence ? sequence.elementCount() : 0;
        var element = member instanceof SequenceLayout sequence ? sequence.elementLayout() : member;
        var type = struct.fields().stream().filter(f -> f.name().equals(name)).findFirst().orElseThrow().type();
        boolean fits = switch (element) {
            case GroupLayout group -> type.startsWith("sextant_") && group.withoutName().equals(layout(type).withoutName());
            case ValueLayout value -> !type.startsWith("sextant_") && value.carrier() == ((ValueLayout) Header.scalar(type)).carrier();
            default -> false;
        };
        return new Header.Field(name, fits ? type : element.toString(), count, offset, member.byteSize());
    }

    private static Header.Function function(FunctionDescriptor descriptor) {
        return new Header.Function(descriptor.returnLayout().map(HeaderTest::carrier).orElse("void"),
                descriptor.argumentLayouts().stream().map(HeaderTest::carrier).toList());
    }

    private static String carrier(MemoryLayout layout) {
        return layout instanceof AddressLayout ? "pointer" : ((ValueLayout) layout).carrier().getSimpleName();
    }

    private static Set<String> generatedFunctions() {
        return Arrays.stream(sextant_h.class.getDeclaredMethods()).map(Method::getName).filter(n -> n.endsWith("$descriptor"))
                .map(n -> n.substring(0, n.indexOf('$'))).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> generatedConstants() {
        return Arrays.stream(sextant_h.class.getDeclaredMethods()).map(Method::getName).filter(n -> n.startsWith("SEXTANT_"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> generatedStructs() throws Exception {
        var classes = Path.of(sextant_h.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (var files = Files.list(classes.resolve(HeaderTest.class.getPackageName().replace('.', '/')))) {
            return files.map(f -> f.getFileName().toString()).filter(f -> f.matches("sextant_\\w+\\.class") && !f.equals("sextant_h.class"))
                    .map(f -> f.replace(".class", "")).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static GroupLayout layout(String struct) throws ReflectiveOperationException {
        return (GroupLayout) Class.forName(HeaderTest.class.getPackageName() + "." + struct).getMethod("layout").invoke(null);
    }

    private static Method method(Class<?> type, String name) {
        return Arrays.stream(type.getDeclaredMethods()).filter(m -> m.getName().equals(name)).findFirst().orElse(null);
    }

    private static void compare(List<String> found, String what, Object header, Object bound) {
        if (!Objects.equals(header, bound)) {
            found.add("%s: %s in the header, %s in the bindings".formatted(what, header, bound));
        }
    }
}
