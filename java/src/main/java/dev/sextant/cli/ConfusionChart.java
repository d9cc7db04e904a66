// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.train.Evaluation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Locale;

/** What is taken for what: a matrix of all classes where there are few, else the pairs that are confused most. */
final class ConfusionChart {
    /** The most classes that a matrix can still be read of. */
    private static final int CLASSES = 20;
    private static final int PAIRS = 20;
    private static final double CELL_WIDTH = 64, CELL_HEIGHT = 30, LEFT = 150;

    private ConfusionChart() {}

    static void draw(Markup page, Evaluation evaluation) {
        if (evaluation.labels().size() <= CLASSES) drawMatrix(page, evaluation);
        else drawPairs(page, evaluation);
    }

    private static void drawMatrix(Markup page, Evaluation evaluation) {
        int classes = evaluation.labels().size();
        page.element("p", "Rows are what the pictures show, columns what they were taken for; shades are shares of a row.");
        double top = top(evaluation), width = LEFT + classes * CELL_WIDTH + 70, height = top + classes * CELL_HEIGHT + 4;
        page.open("div", "class", "scroll").open("svg", "viewBox", "0 0 " + Markup.coordinate(width) + " "
            + Markup.coordinate(height), "role",
            "img", "aria-label", "Confusion matrix", "style", "max-width:" + Markup.coordinate(width) + "px;min-width:"
                + Markup.coordinate(Math.min(width, 560)) + "px");
        for (int c = 0; c < classes; c++) {
            double x = LEFT + (c + 0.5) * CELL_WIDTH;
            page.element("text", evaluation.labels().name(c), "class", "tick", "transform", "translate("
                + Markup.coordinate(x - 6) + " "
                + Markup.coordinate(top - 8) + ") rotate(-40)");
        }
        page.element("text", "recognised", "class", "title", "x", LEFT + classes * CELL_WIDTH + 62, "y", top - 8, "text-anchor",
            "end");
        for (int row = 0; row < classes; row++) drawRow(page, evaluation, row, top);
        page.close().close();
    }

    /** Room for the classes' names, which stand on a slope. */
    private static double top(Evaluation evaluation) {
        return 26 + 4.4 * evaluation.labels().names().stream().mapToInt(Table::width).max().orElse(0);
    }

    private static void drawRow(Markup page, Evaluation evaluation, int row, double top) {
        int classes = evaluation.labels().size(), count = evaluation.count(row);
        double y = top + row * CELL_HEIGHT, middle = y + CELL_HEIGHT / 2 + 4;
        page.element("text", evaluation.labels().name(row), "class", "tick", "x", LEFT - 10, "y", middle, "text-anchor", "end");
        for (int c = 0; c < classes; c++) {
            int found = evaluation.confusion(row, c);
            double x = LEFT + c * CELL_WIDTH, share = count == 0 ? 0 : (double) found / count;
            page.open("rect", "class", row == c ? "cell" : "wrong", "x", x + 1, "y", y + 1, "width", CELL_WIDTH - 2, "height",
                CELL_HEIGHT - 2,
                // The many of a good network's diagonal and its few mistakes are both to be seen.
                "fill-opacity", String.format(Locale.ROOT, "%.3f", found == 0 ? 0.03 : 0.1 + 0.6 * Math.sqrt(share)));
            page.element("title", evaluation.labels().name(row) + " taken for " + evaluation.labels().name(c) + ": "
                + Table.count(found)).close();
            if (found > 0) {
                page.element("text", Table.count(found), "class", "cellnumber", "x", x + CELL_WIDTH / 2, "y", middle,
                    "text-anchor", "middle");
            }
        }
        if (count > 0) {
            page.element("text", Bar.percent(evaluation.recall(row)), "class", "tick", "x", LEFT + classes * CELL_WIDTH + 62,
                "y", middle,
                "text-anchor", "end");
        }
    }

    private record Pair(int label, int predicted, int count) {}

    private static void drawPairs(Markup page, Evaluation evaluation) {
        int classes = evaluation.labels().size();
        var pairs = new ArrayList<Pair>();
        for (int label = 0; label < classes; label++) {
            for (int predicted = 0; predicted < classes; predicted++) {
                int count = evaluation.confusion(label, predicted);
                if (label != predicted && count > 0) pairs.add(new Pair(label, predicted, count));
            }
        }
        pairs.sort(Comparator.comparingInt(Pair::count).reversed());
        page.element("p", "The " + Math.min(PAIRS, pairs.size()) + " pairs of classes that are confused most.");
        page.open("div", "class", "scroll").open("table").open("thead").open("tr")
            .element("th", "shows").element("th", "taken for").element("th", "how often", "class", "number")
            .element("th", "of its samples", "class", "number").close().close().open("tbody");
        for (var pair : pairs.subList(0, Math.min(PAIRS, pairs.size()))) {
            page.open("tr").element("td", evaluation.labels().name(pair.label()))
                .element("td", evaluation.labels().name(pair.predicted()))
                .element("td", Table.count(pair.count()), "class", "number")
                .element("td", Bar.percent((double) pair.count() / evaluation.count(pair.label())), "class", "number").close();
        }
        page.close().close().close();
    }
}
