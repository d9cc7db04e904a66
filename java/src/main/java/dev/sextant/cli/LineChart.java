// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Curves over a common axis, as SVG.
 *
 * @param name for those who do not see it
 * @param xTitle of the horizontal axis
 * @param yTitle of the vertical axis
 * @param scale of the vertical axis
 */
record LineChart(String name, String xTitle, String yTitle, Scale scale, List<Series> series) {
    enum Scale {
        LINEAR,
        /** Values that are not positive are left out. */
        LOGARITHMIC,
        /** Linear; the lowest tenth of the values may lie at the bottom, so that the others can be told apart. */
        UPPER
    }

    private static final double WIDTH = 1000, HEIGHT = 330, LEFT = 64, RIGHT = 984, TOP = 14, BOTTOM = 282, DOT = 3.5;

    /**
     * One curve; points whose value is no number are left out.
     *
     * @param colour from 0 to 3
     * @param dots whether each point is one that matters: a disc with its value to be read at it
     */
    record Series(String name, int colour, boolean dots, double[] x, double[] y) {}

    void draw(Markup page) {
        var shown = new ArrayList<Series>();
        for (var one : series) {
            var kept = kept(one);
            if (kept.x().length > 0) shown.add(kept);
        }
        if (shown.isEmpty()) {
            page.element("p", "Nothing to show yet.");
            return;
        }
        double right = shown.stream().flatMapToDouble(one -> Arrays.stream(one.x())).max().orElse(1);
        var x = new ChartScale(0, right > 0 ? right : 1, LEFT, RIGHT, false);
        var y = vertical(shown);
        page.open("svg", "viewBox", "0 0 " + Markup.coordinate(WIDTH) + " " + Markup.coordinate(HEIGHT), "role", "img",
            "aria-label", name);
        drawAxes(page, x, y);
        for (var one : shown) drawSeries(page, one, x, y);
        page.close();
        page.open("ul", "class", "legend");
        for (var one : shown) {
            page.open("li").element("span", "", "class", "swatch c" + one.colour()).text(one.name()).close();
        }
        page.close();
    }

    private Series kept(Series one) {
        var x = new double[one.x().length];
        var y = new double[one.x().length];
        int count = 0;
        for (int i = 0; i < x.length; i++) {
            if (!Double.isFinite(one.y()[i]) || scale == Scale.LOGARITHMIC && one.y()[i] <= 0) continue;
            x[count] = one.x()[i];
            y[count++] = one.y()[i];
        }
        return new Series(one.name(), one.colour(), one.dots(), Arrays.copyOf(x, count), Arrays.copyOf(y, count));
    }

    private ChartScale vertical(List<Series> shown) {
        var all = shown.stream().flatMapToDouble(one -> Arrays.stream(one.y())).summaryStatistics();
        if (scale == Scale.LOGARITHMIC) return new ChartScale(all.getMin() / 1.15, all.getMax() * 1.15, BOTTOM, TOP, true);
        double least = all.getMin();
        if (scale == Scale.UPPER) {
            var sorted = shown.stream().flatMapToDouble(one -> Arrays.stream(one.y())).sorted().toArray();
            least = sorted[sorted.length / 10];
        }
        double room = Math.max(0.04 * (all.getMax() - least), 1e-9 + 1e-6 * Math.abs(all.getMax()));
        return new ChartScale(least - room, all.getMax() + room, BOTTOM, TOP, false);
    }

    private void drawAxes(Markup page, ChartScale x, ChartScale y) {
        for (double tick : x.ticks()) {
            page.leaf("line", "class", "grid", "x1", x.at(tick), "x2", x.at(tick), "y1", TOP, "y2", BOTTOM);
            page.element("text", ChartScale.label(tick), "class", "tick", "x", x.at(tick), "y", BOTTOM + 18, "text-anchor",
                "middle");
        }
        for (double tick : y.ticks()) {
            page.leaf("line", "class", "grid", "x1", LEFT, "x2", RIGHT, "y1", y.at(tick), "y2", y.at(tick));
            page.element("text", ChartScale.label(tick), "class", "tick", "x", LEFT - 8, "y", y.at(tick) + 4, "text-anchor",
                "end");
        }
        page.leaf("line", "class", "axis", "x1", LEFT, "x2", RIGHT, "y1", BOTTOM, "y2", BOTTOM);
        page.element("text", xTitle, "class", "title", "x", (LEFT + RIGHT) / 2, "y", BOTTOM + 40, "text-anchor", "middle");
        page.element("text", yTitle, "class", "title", "transform", "translate(14 " + Markup.coordinate((TOP + BOTTOM) / 2)
            + ") rotate(-90)",
            "text-anchor", "middle");
    }

    private static void drawSeries(Markup page, Series one, ChartScale x, ChartScale y) {
        var points = new StringBuilder();
        for (int i = 0; i < one.x().length; i++) {
            points.append(i == 0 ? "" : " ").append(Markup.coordinate(x.at(one.x()[i]))).append(',')
                .append(Markup.coordinate(place(y, one.y()[i])));
        }
        page.leaf("polyline", "class", "line s" + one.colour(), "points", points);
        if (!one.dots()) return;
        for (int i = 0; i < one.x().length; i++) {
            page.open("circle", "class", "dot c" + one.colour(), "cx", x.at(one.x()[i]), "cy", place(y, one.y()[i]), "r", DOT)
                .element("title", one.name() + " at " + ChartScale.label(one.x()[i]) + ": " + Table.number(one.y()[i])).close();
        }
    }

    /** Where a value lies, or the bottom if it is less than the axis shows. */
    private static double place(ChartScale y, double value) {
        return y.at(Math.max(value, y.from()));
    }
}
