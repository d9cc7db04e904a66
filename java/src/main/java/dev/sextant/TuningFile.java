// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.Tuning.Choice;
import dev.sextant.bindings.sextant_h;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What {@link Tuning} has found on one machine, as lines of JSON: first whose times these are, then a problem a line.
 * {@snippet :
 * {"sextant":"0.1.0","processor":"AMD EPYC","isa":"avx512","threads":"2"}
 * {"problem":"1x64x56x56 f32 ...","chosen":"f32_conv2d_direct_avx512","microseconds":{"f32_conv2d_direct_avx512":1021.4}}
 * }
 *
 * @param owner what its first line must say
 */
record TuningFile(Path path, Map<String, String> owner) {
    private static final JsonFactory JSON = new JsonFactory();
    private static final String PROBLEM = "problem", CHOSEN = "chosen", MICROSECONDS = "microseconds";

    static TuningFile of(Path folder, Device.Info device) {
        var owner = new LinkedHashMap<String, String>();
        owner.put("sextant", sextant_h.sextant_version().getString(0));
        owner.put("processor", device.processor());
        owner.put("isa", device.isaName());
        owner.put("threads", String.valueOf(device.threads()));
        var name = String.join("-", owner.values()).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9._]+", "-");
        return new TuningFile(folder.resolve("tuning").resolve(name + ".jsonl"), owner);
    }

    /**
     * The choices by problem; none if there is no file.
     *
     * @throws IOException if it cannot be read, or is not what {@link #add} writes on this machine: a sentence that says why
     */
    Map<String, Choice> read() throws IOException {
        if (!Files.exists(path)) return Map.of();
        var choices = new TreeMap<String, Choice>();
        List<String> lines;
        try {
            lines = Files.readAllLines(path);
        } catch (IOException e) {
            throw new IOException(path + " cannot be read (" + e + ")", e);
        }
        for (int i = 0; i < lines.size(); i++) {
            try (var parser = JSON.createParser(ObjectReadContext.empty(), lines.get(i))) {
                require(parser.nextToken() == JsonToken.START_OBJECT, "is no JSON object");
                if (i == 0) readOwner(parser);
                else readChoice(parser, choices);
                require(parser.nextToken() == null, "goes on behind its JSON object");
            } catch (JacksonException | IllegalArgumentException e) {
                throw new IOException(path + " is not of this version and machine, line " + (i + 1) + ": "
                    + (e instanceof JacksonException ? "is no JSON object" : e.getMessage()), e);
            }
        }
        return choices;
    }

    private void readOwner(JsonParser parser) {
        var found = new LinkedHashMap<String, String>();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            var name = parser.currentName();
            require(parser.nextToken() == JsonToken.VALUE_STRING, "expects text for " + name);
            found.put(name, parser.getString());
        }
        require(found.equals(owner), "expects " + owner + ", found " + found);
    }

    private static void readChoice(JsonParser parser, Map<String, Choice> choices) {
        String problem = null, chosen = null;
        var times = new TreeMap<String, Double>();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            var name = parser.currentName();
            var value = parser.nextToken();
            switch (name) {
                case PROBLEM -> problem = parser.getString();
                case CHOSEN -> chosen = parser.getString();
                case MICROSECONDS -> {
                    require(value == JsonToken.START_OBJECT, "expects an object of times");
                    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                        var implementation = parser.currentName();
                        parser.nextToken();
                        times.put(implementation, parser.getDoubleValue());
                    }
                }
                default -> throw new IllegalArgumentException("expects " + PROBLEM + ", " + CHOSEN + " and " + MICROSECONDS + ", found " + name);
            }
        }
        require(problem != null && chosen != null && times.containsKey(chosen), "expects a problem and a choice of those timed");
        choices.put(problem, new Choice(chosen, times));
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) throw new IllegalArgumentException(otherwise);
    }

    /** Adds to what stands there, unless that is unreadable: then it makes room. The file is always whole. */
    void add(Map<String, Choice> choices) throws IOException {
        var all = new TreeMap<String, Choice>();
        try {
            all.putAll(read());
        } catch (IOException _) {
            // Said when it was read first.
        }
        all.putAll(choices);
        var lines = new ArrayList<String>();
        lines.add(line(json -> owner.forEach(json::writeStringProperty)));
        all.forEach((problem, choice) -> lines.add(line(json -> {
            json.writeStringProperty(PROBLEM, problem);
            json.writeStringProperty(CHOSEN, choice.implementation());
            json.writeObjectPropertyStart(MICROSECONDS);
            choice.microseconds().forEach((implementation, time) ->
                json.writeNumberProperty(implementation, BigDecimal.valueOf(time).setScale(2, RoundingMode.HALF_EVEN)));
            json.writeEndObject();
        })));
        Files.createDirectories(path.getParent());
        var part = Files.createTempFile(path.getParent(), "tuning", ".part");
        try {
            Files.write(part, lines);
            Files.move(part, path, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static String line(Consumer<JsonGenerator> fields) {
        var text = new StringWriter();
        try (var json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            fields.accept(json);
            json.writeEndObject();
        }
        return text.toString();
    }
}
