// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduleTest {
    private static final double TINY = 1e-12;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "constant | 0 | 1", "constant | 99 | 1",
        "step:0.5,0.75 | 49 | 1", "step:0.5,0.75 | 50 | 0.1", "step:0.5,0.75 | 74 | 0.1", "step:0.5,0.75 | 75 | 0.01",
        "step:0.3:0.5 | 29 | 1", "step:0.3:0.5 | 30 | 0.5",
        "cosine | 0 | 1", "cosine | 50 | 0.5", "cosine | 25 | 0.853553390593273762", // (1 + sqrt(1/2)) / 2
        "linear | 0 | 1", "linear | 25 | 0.75", "poly:2 | 50 | 0.25",
        "onecycle | 0 | 0.04", "onecycle | 25 | 1", "onecycle | 90 | 0.04", "onecycle:0.45 | 45 | 1", "onecycle | 95 | 0.0202",
        "warmup:4,constant | 0 | 0.2", "warmup:4,constant | 3 | 0.8", "warmup:4,constant | 4 | 1",
        "warmup:0.2,linear | 0 | 0.047619047619047616", "warmup:0.2,linear | 20 | 1", "warmup:0.2,linear | 60 | 0.5",
    })
    void factorsOfAHundredSteps(String text, long step, double factor) {
        assertEquals(factor, Schedule.parse(text).factor(step, 100), TINY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"constant", "step:0.5,0.75", "step:0.3:0.5", "cosine", "linear", "poly:2.5", "onecycle",
        "onecycle:0.45",
        "warmup:500,cosine", "warmup:0.05,step:0.5,0.9:0.2"})
    void textAndBack(String text) {
        assertEquals(text, Schedule.parse(text).toString());
        assertEquals(Schedule.parse(text), Schedule.parse(" " + text.toUpperCase(Locale.ROOT)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"constant", "step:0.5,0.75", "cosine", "linear", "poly:2", "onecycle", "warmup:7,cosine",
        "warmup:1000,linear",
        "warmup:0.9,onecycle"})
    void ratesStayWithinTheBase(String text) {
        var schedule = Schedule.parse(text);
        for (int total : new int[] {1, 2, 3, 10, 999}) {
            for (int step = 0; step < total; step++) {
                double rate = schedule.rate(0.1, step, total);
                assertTrue(rate > 0 && rate <= 0.1, text + " at " + step + " of " + total + ": " + rate);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "cosin | schedule: expects constant, step:0.5,0.75, cosine, linear, poly:2 or onecycle, each also behind warmup:500,; found 'cosin'",
        "cosine:2 | schedule: cosine expects nothing behind it; found 'cosine:2'",
        "step | schedule: step expects its milestones as parts of the training",
        "step:0.5,x | schedule: step expects its milestones as parts of the training",
        "step:0.7,0.5 | schedule: step expects ascending milestones over 0 and under 1, found [0.7, 0.5]",
        "step:30,60 | schedule: step expects ascending milestones over 0 and under 1, found [30.0, 60.0]",
        "step:0.5:3 | schedule: step expects a factor over 0 and under 1, found 3.0",
        "poly | schedule: poly expects its power as in poly:2; found 'poly'",
        "poly:0 | schedule: poly expects a power over 0, found 0",
        "onecycle:1 | schedule: onecycle expects a peak over 0 and under 0.9, found 1",
        "warmup:500 | schedule: warmup expects its length and the schedule that follows as in warmup:500,cosine; found 'warmup:500'",
        "warmup:1.5,cosine | schedule: warmup expects a number of steps, or a part of all over 0 and under 1, found 1.5",
        "warmup:5,warmup:5,cosine | schedule: expects one warmup, found two",
    })
    void whatCannotBe(String text, String message) {
        var thrown = assertThrows(IllegalArgumentException.class, () -> Schedule.parse(text));
        assertTrue(thrown.getMessage().startsWith(message), thrown::getMessage);
    }
}
