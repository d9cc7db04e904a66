// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/** From numbers to places along an axis: {@code from} lies at {@code start}, {@code to} at {@code end}, in pixels. */
record ChartScale(double from, double to, double start, double end, boolean logarithmic) {

    double at(double value) {
        double part = logarithmic ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
        return start + (end - start) * part;
    }

    /** Round numbers within the axis: decades of a logarithmic one, with their 2 and 5 where it spans few; else about five. */
    List<Double> ticks() {
        var ticks = new ArrayList<Double>();
        if (logarithmic) {
            var mantissas = Math.log10(to / from) > 3.5 ? new double[] {1} : new double[] {1, 2, 5};
            for (int decade = (int) Math.floor(Math.log10(from)); decade <= Math.log10(to); decade++) {
                for (double mantissa : mantissas) {
                    double tick = mantissa * Math.pow(10, decade);
                    if (tick >= from && tick <= to) ticks.add(tick);
                }
            }
        } else {
            double rough = (to - from) / 5, decade = Math.pow(10, Math.floor(Math.log10(rough)));
            double step = decade * (rough / decade > 5 ? 10 : rough / decade > 2 ? 5 : rough / decade > 1 ? 2 : 1);
            for (int i = (int) Math.ceil(from / step); i * step <= to * (1 + 1e-9); i++) ticks.add(i * step);
        }
        return ticks;
    }

    /** {@code 0.05}, {@code 2}, {@code 1,000}: without the digits that a tick does not need. */
    static String label(double tick) {
        return tick >= 1000 ? Table.count(Math.round(tick))
            : new BigDecimal(tick).round(new MathContext(3)).stripTrailingZeros().toPlainString();
    }
}
