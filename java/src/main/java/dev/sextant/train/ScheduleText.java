// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Schedules as a command line spells them. */
final class ScheduleText {
    private static final String KNOWN =
        "constant, step:0.5,0.75, cosine, linear, poly:2 or onecycle, each also behind warmup:500,";

    private ScheduleText() {}

    static Schedule parse(String text) {
        var plain = text.strip().toLowerCase(Locale.ROOT);
        if (plain.startsWith("warmup")) {
            int comma = plain.indexOf(',');
            if (!plain.startsWith("warmup:") || comma < 0 || comma == plain.length() - 1) {
                throw bad("warmup expects its length and the schedule that follows as in warmup:500,cosine", text);
            }
            var length = parse(plain.substring("warmup:".length(), comma),
                "warmup expects a number of steps as in warmup:500,cosine", text);
            return new Schedule.WarmUp(length, parse(plain.substring(comma + 1)));
        }
        int colon = plain.indexOf(':');
        var name = colon < 0 ? plain : plain.substring(0, colon);
        var rest = colon < 0 ? null : plain.substring(colon + 1);
        return switch (name) {
            case "constant" -> plain(new Schedule.Constant(), rest, text);
            case "cosine" -> plain(new Schedule.Cosine(), rest, text);
            case "linear" -> plain(new Schedule.Polynomial(1), rest, text);
            case "poly" -> new Schedule.Polynomial(parse(rest, "poly expects its power as in poly:2", text));
            case "onecycle" -> new Schedule.OneCycle(
                rest == null ? Schedule.OneCycle.EARLY
                    : parse(rest, "onecycle expects where its peak is as in onecycle:0.45", text));
            case "step" -> step(rest, text);
            default -> throw bad("expects " + KNOWN, text);
        };
    }

    private static Schedule plain(Schedule schedule, String rest, String text) {
        if (rest != null) throw bad(schedule + " expects nothing behind it", text);
        return schedule;
    }

    private static Schedule step(String rest, String text) {
        var expected = "step expects its milestones as parts of the training as in step:0.5,0.75, and perhaps a factor as in "
            + "step:0.5:0.2";
        if (rest == null) throw bad(expected, text);
        var parts = rest.split(":", -1);
        if (parts.length > 2) throw bad(expected, text);
        List<Double> milestones = new ArrayList<>();
        for (var milestone : parts[0].split(",", -1)) milestones.add(parse(milestone, expected, text));
        return new Schedule.Step(milestones, parts.length == 2 ? parse(parts[1], expected, text) : Schedule.Step.TENTH);
    }

    private static double parse(String number, String expected, String text) {
        try {
            double value = Double.parseDouble(number == null ? "" : number.strip());
            if (Double.isFinite(value)) return value;
        } catch (NumberFormatException _) {
            // Told below, as is a number that is none.
        }
        throw bad(expected, text);
    }

    private static IllegalArgumentException bad(String expected, String found) {
        return new IllegalArgumentException("schedule: " + expected + "; found '" + found + "'");
    }

    /** Without digits that say nothing: {@code 500}, {@code 0.5}. */
    static String number(double value) {
        return Double.isFinite(value) ? BigDecimal.valueOf(value).stripTrailingZeros().toPlainString() : Double.toString(value);
    }
}
