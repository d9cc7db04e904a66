// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.cli.ChartLabels.Box;
import dev.sextant.cli.ChartLabels.Disc;
import dev.sextant.cli.ChartLabels.Place;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The roofline plot (Williams, Waterman &amp; Patterson, CACM 2009): each step that computes, by the flops it does for each byte
 * it moves and the flops it does in a second, under what memory and arithmetic allow.
 */
final class Roofline {
    private static final double WIDTH = 1000, HEIGHT = 500, LEFT = 64, RIGHT = 984, TOP = 16, BOTTOM = 448;
    private static final double LARGEST_RADIUS = 44, LEAST_RADIUS = 3.5;
    private static final int NAMED = 6;

    private final StepTimes times;
    private final AlgorithmColours colours;
    /** Those that compute, the longest first, so that none is hidden. */
    private final List<StepTimes.Row> rows;
    /** What each arithmetic in use reaches at best. */
    private final TreeMap<Double, String> peaks = new TreeMap<>();
    private final ChartScale x, y;
    private final ChartLabels labels;

    private Roofline(StepTimes times, AlgorithmColours colours) {
        this.times = times;
        this.colours = colours;
        rows = times.rows().stream().filter(StepTimes.Row::computes).sorted(Comparator.comparingDouble(row -> -row.share())).toList();
        for (var row : rows) peaks.put(row.peak(), ProfilePage.arithmetic(row.peak(), times.peak()));
        if (peaks.isEmpty()) peaks.put(times.peak().fp32(), "fp32");
        double bandwidth = times.peak().bandwidth(), least = peaks.firstKey(), most = peaks.lastKey();
        x = new ChartScale(Math.min(least / bandwidth / 4, rows.stream().mapToDouble(StepTimes.Row::intensity).min().orElse(1)) / 1.5,
            Math.max(most / bandwidth * 4, rows.stream().mapToDouble(StepTimes.Row::intensity).max().orElse(1)) * 1.5, LEFT, RIGHT, true);
        y = new ChartScale(rows.stream().mapToDouble(StepTimes.Row::gflopPerSecond).min().orElse(1) / 1.8,
            Math.max(most, rows.stream().mapToDouble(StepTimes.Row::gflopPerSecond).max().orElse(1)) * 1.8, BOTTOM, TOP, true);
        labels = new ChartLabels(new Box(LEFT, TOP, RIGHT, BOTTOM), rows.stream().map(this::disc).toList());
    }

    static void draw(Markup page, StepTimes times, AlgorithmColours colours) {
        new Roofline(times, colours).draw(page);
    }

    private void draw(Markup page) {
        page.open("svg", "viewBox", "0 0 " + Markup.coordinate(WIDTH) + " " + Markup.coordinate(HEIGHT), "role", "img", "aria-label",
            "Roofline plot of " + times.model());
        drawAxes(page);
        drawRoofs(page);
        for (var row : rows) {
            var disc = disc(row);
            page.open("circle", "class", "point " + colours.of(row), "cx", disc.x(), "cy", disc.y(), "r", disc.radius())
                .element("title", ProfilePage.hover(row)).close();
        }
        for (var row : rows.subList(0, Math.min(NAMED, rows.size()))) {
            labels.place(row.step().name(), ChartLabels.around(disc(row), row.step().name()), 2)
                .ifPresent(place -> page.element("text", row.step().name(), "class", "name", "x", place.x(), "y", place.y()));
        }
        page.close();
    }

    private Disc disc(StepTimes.Row row) {
        return new Disc(x.at(row.intensity()), y.at(row.gflopPerSecond()),
            Math.max(LEAST_RADIUS, LARGEST_RADIUS * Math.sqrt(row.share())));
    }

    private void drawAxes(Markup page) {
        for (double tick : x.ticks()) {
            page.leaf("line", "class", "grid", "x1", x.at(tick), "x2", x.at(tick), "y1", TOP, "y2", BOTTOM);
            page.element("text", ChartScale.label(tick), "class", "tick", "x", x.at(tick), "y", BOTTOM + 18, "text-anchor", "middle");
        }
        for (double tick : y.ticks()) {
            page.leaf("line", "class", "grid", "x1", LEFT, "x2", RIGHT, "y1", y.at(tick), "y2", y.at(tick));
            page.element("text", ChartScale.label(tick), "class", "tick", "x", LEFT - 8, "y", y.at(tick) + 4, "text-anchor", "end");
        }
        page.leaf("line", "class", "axis", "x1", LEFT, "x2", RIGHT, "y1", BOTTOM, "y2", BOTTOM);
        page.element("text", "flops for each byte moved", "class", "title", "x", (LEFT + RIGHT) / 2, "y", BOTTOM + 42, "text-anchor", "middle");
        page.element("text", "GFLOP/s", "class", "title", "transform", "translate(14 " + Markup.coordinate((TOP + BOTTOM) / 2) + ") rotate(-90)",
            "text-anchor", "middle");
    }

    private void drawRoofs(Markup page) {
        double bandwidth = times.peak().bandwidth(), top = peaks.lastKey();
        double from = Math.max(x.from(), y.from() / bandwidth);
        page.leaf("line", "class", "roof", "x1", x.at(from), "y1", y.at(from * bandwidth), "x2", x.at(top / bandwidth), "y2", y.at(top));
        peaks.forEach((peak, arithmetic) -> {
            double ridge = x.at(peak / bandwidth);
            page.leaf("line", "class", "roof", "x1", ridge, "y1", y.at(peak), "x2", RIGHT, "y2", y.at(peak));
            var text = arithmetic + " peak " + Table.number(peak) + " GFLOP/s";
            var places = IntStream.iterate(0, i -> i + 1).mapToObj(i -> new Place(RIGHT - 6 - ChartLabels.width(text) - 20 * i, y.at(peak) - 7))
                .takeWhile(place -> place.x() > ridge + 8);
            labels.place(text, places, Integer.MAX_VALUE)
                .ifPresent(place -> page.element("text", text, "class", "rooflabel", "x", place.x(), "y", place.y()));
        });
        drawMemoryLabel(page, from, top / bandwidth);
    }

    /** Along the slope, above it, where fewest points are. */
    private void drawMemoryLabel(Markup page, double from, double to) {
        double x1 = x.at(from), x2 = x.at(to), y1 = y.at(from * times.peak().bandwidth()), y2 = y.at(to * times.peak().bandwidth());
        double length = Math.hypot(x2 - x1, y2 - y1), alongX = (x2 - x1) / length, alongY = (y2 - y1) / length;
        var text = "memory " + Table.number(times.peak().bandwidth()) + " GB/s";
        double width = ChartLabels.width(text);
        double best = -1;
        long fewest = Long.MAX_VALUE;
        for (double start = 12; start + width + 12 < length; start += 12) {
            double first = start;
            long met = rows.stream().map(this::disc).filter(disc -> {
                double along = (disc.x() - x1) * alongX + (disc.y() - y1) * alongY - first;
                double above = (disc.x() - x1) * alongY - (disc.y() - y1) * alongX;
                return along > -disc.radius() && along < width + disc.radius() && above > -disc.radius() && above < 20 + disc.radius();
            }).count();
            if (met < fewest) {
                fewest = met;
                best = start;
            }
        }
        if (best < 0) return;
        for (double along = best; along <= best + width; along += 8) {
            labels.take(x1 + along * alongX + 11 * alongY, y1 + along * alongY - 11 * alongX, 8);
        }
        page.element("text", text, "class", "rooflabel", "transform", "translate(" + Markup.coordinate(x1 + best * alongX + 7 * alongY) + " "
            + Markup.coordinate(y1 + best * alongY - 7 * alongX) + ") rotate(" + Markup.coordinate(Math.toDegrees(Math.atan2(alongY, alongX))) + ")");
    }
}
