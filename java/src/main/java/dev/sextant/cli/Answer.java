// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Tensor;
import dev.sextant.image.Labels;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a network says about one picture.
 *
 * @param milliseconds the forward pass alone: neither reading nor resizing the picture
 * @param top the likeliest classes, best first
 */
record Answer(Path file, String model, double milliseconds, List<Guess> top) {

    /** A class and its share of the softmax. */
    record Guess(int index, String label, float probability) {}

    static Answer of(Path file, String model, double milliseconds, Tensor logits, Labels labels, int count) {
        var probabilities = logits.softmax();
        var top = IntStream.range(0, labels.size()).boxed()
            .sorted(Comparator.comparingDouble(i -> -probabilities.get(i))) // stable: of equal ones the first comes first
            .limit(count)
            .map(i -> new Guess(i, labels.name(i), probabilities.get(i)))
            .toList();
        return new Answer(file, model, milliseconds, top);
    }

    /** One line for programs. */
    String json() {
        return Json.line(json -> {
            json.writeStringProperty("file", file.toString());
            json.writeStringProperty("model", model);
            json.writeNumberProperty("milliseconds", Json.round(milliseconds, 3));
            json.writeArrayPropertyStart("top");
            for (var guess : top) {
                json.writeStartObject();
                json.writeNumberProperty("index", guess.index());
                json.writeStringProperty("label", guess.label());
                json.writeNumberProperty("probability", Json.round(guess.probability(), 8));
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }

    /** Rows for people: the file beside its likeliest class, the others below. */
    void addTo(Table table, Bar bar) {
        for (int i = 0; i < top.size(); i++) {
            var guess = top.get(i);
            table.add(i == 0 ? file : "", Bar.percent(guess.probability()), bar.of(guess.probability()), guess.label());
        }
    }
}
