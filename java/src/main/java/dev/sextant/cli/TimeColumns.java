// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.util.ArrayList;
import java.util.List;

/** The time of each step as a column, in the order of a run, above the names of the network's stages. */
final class TimeColumns {
    private static final double WIDTH = 1000, HEIGHT = 300, LEFT = 64, RIGHT = 984, TOP = 16, BOTTOM = 244;
    private static final int FEW_STAGES = 4, MANY_STAGES = 24;

    private TimeColumns() {}

    /** Steps in a row that belong together. */
    private record Stage(String name, int first, int last) {}

    static void draw(Markup page, StepTimes times, AlgorithmColours colours) {
        var rows = times.rows();
        var x = new ChartScale(0, Math.max(1, rows.size()), LEFT, RIGHT, false);
        var y = new ChartScale(0, 1.06 * rows.stream().mapToDouble(StepTimes.Row::milliseconds).max().orElse(1), BOTTOM, TOP, false);
        page.open("svg", "viewBox", "0 0 " + Markup.coordinate(WIDTH) + " " + Markup.coordinate(HEIGHT), "role", "img", "aria-label",
            "Time of each step of " + times.model());
        drawStages(page, stages(rows), x);
        for (double tick : y.ticks()) {
            page.leaf("line", "class", "grid", "x1", LEFT, "x2", RIGHT, "y1", y.at(tick), "y2", y.at(tick));
            page.element("text", ChartScale.label(tick), "class", "tick", "x", LEFT - 8, "y", y.at(tick) + 4, "text-anchor", "end");
        }
        double gap = Math.min(2, (RIGHT - LEFT) / rows.size() * 0.2);
        for (var row : rows) {
            double left = x.at(row.number() - 1), top = y.at(row.milliseconds());
            double width = Math.min(48, x.at(row.number()) - left - gap), middle = (left + x.at(row.number())) / 2;
            page.open("g", "class", "column").element("title", ProfilePage.hover(row));
            page.leaf("rect", "class", "reach", "x", left, "y", TOP, "width", x.at(row.number()) - left, "height", BOTTOM - TOP);
            page.leaf("rect", "class", colours.of(row), "x", middle - width / 2, "y", top, "width", width, "height", BOTTOM - top);
            page.close();
        }
        page.leaf("line", "class", "axis", "x1", LEFT, "x2", RIGHT, "y1", BOTTOM, "y2", BOTTOM);
        page.element("text", "ms", "class", "title", "transform", "translate(14 " + Markup.coordinate((TOP + BOTTOM) / 2) + ") rotate(-90)",
            "text-anchor", "middle");
        page.element("text", "steps in the order of a run, by stage", "class", "title", "x", (LEFT + RIGHT) / 2, "y", BOTTOM + 42,
            "text-anchor", "middle");
        page.close();
    }

    /** Every other stage on a shade of its own; named where the name has room. */
    private static void drawStages(Markup page, List<Stage> stages, ChartScale x) {
        for (int i = 0; i < stages.size(); i++) {
            var stage = stages.get(i);
            double left = x.at(stage.first()), right = x.at(stage.last() + 1);
            if (i % 2 == 1) page.leaf("rect", "class", "shade", "x", left, "y", TOP, "width", right - left, "height", BOTTOM + 24 - TOP);
            if (ChartLabels.width(stage.name()) + 4 <= right - left)
                page.element("text", stage.name(), "class", "tick", "x", (left + right) / 2, "y", BOTTOM + 16, "text-anchor", "middle");
        }
    }

    /** By the first part of the layers' names, or the second where the first tells few stages apart. */
    private static List<Stage> stages(List<StepTimes.Row> rows) {
        var coarse = stages(rows, 0);
        if (coarse.size() >= FEW_STAGES) return coarse;
        var fine = stages(rows, 1);
        return fine.size() <= MANY_STAGES ? fine : coarse;
    }

    private static List<Stage> stages(List<StepTimes.Row> rows, int part) {
        var stages = new ArrayList<Stage>();
        String before = null;
        for (int i = 0; i < rows.size(); i++) {
            var parts = rows.get(i).step().name().split("\\.");
            int depth = Math.min(part, parts.length - 1);
            var whole = String.join(".", List.of(parts).subList(0, depth + 1));
            if (whole.equals(before)) stages.set(stages.size() - 1, new Stage(parts[depth], stages.getLast().first(), i));
            else stages.add(new Stage(parts[depth], i, i));
            before = whole;
        }
        return stages;
    }
}
