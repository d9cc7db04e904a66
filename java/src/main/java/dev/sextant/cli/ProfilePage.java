// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import java.util.TreeMap;

/** A profile as one page that needs nothing else: a roofline plot, the times as columns, the table; in light and dark. */
final class ProfilePage {
    private ProfilePage() {}

    static String of(StepTimes times) {
        var colours = AlgorithmColours.of(times);
        var page = new Markup();
        var title = times.model() + ", batch " + times.batch();
        Page.open(page, title);
        heading(page, times, title);
        page.open("section").element("h2", "How near each step comes to what the machine can do");
        page.element("p", caption(times));
        Roofline.draw(page, times, colours);
        legend(page, times, colours);
        page.close();
        page.open("section").element("h2", "Where the time goes");
        TimeColumns.draw(page, times, colours);
        page.close();
        page.open("section").element("h2", "Every step");
        table(page, times, colours);
        page.close();
        return Page.close(page);
    }

    private static void heading(Markup page, StepTimes times, String title) {
        var device = times.device();
        page.element("h1", title);
        page.element("p", "Input " + times.input() + ", " + times.precision() + ", " + device.isaName() + " on "
            + DeviceOptions.place(device) + ". Medians of " + times.runs()
            + " runs, Sextant " + Version.current() + ".");
        page.open("dl");
        Page.figure(page, "one run", Table.number(times.milliseconds()) + " ms", "");
        Page.figure(page, "images", Table.number(times.imagesPerSecond()) + " /s", "");
        Page.figure(page, "arithmetic", Table.number(times.gflopPerSecond()) + " GFLOP/s", Bar.percent(times.ofPeak()) + " of the peak");
        Page.figure(page, "data", Table.number(times.gbPerSecond()) + " GB/s", "from caches and memory");
        Page.figure(page, "the machine at best", Table.number(times.peak().fp32()) + " GFLOP/s",
            "fp32, " + Table.number(times.peak().bandwidth()) + " GB/s read");
        page.close();
    }

    private static String caption(StepTimes times) {
        double idle = times.rows().stream().filter(row -> !row.computes()).mapToDouble(StepTimes.Row::share).sum();
        long count = times.rows().stream().filter(row -> !row.computes()).count();
        return "Each disc is a step, its area the step's share of the time; the lines are measured on this machine. Near the flat line a step "
            + "computes as fast as it can; near the slope it waits for memory. Above the slope its data came from a cache."
            + (count == 0 ? "" : " Not shown: " + count + (count == 1 ? " step that computes" : " steps that compute") + " nothing ("
                + Bar.percent(idle) + " of the time).");
    }

    private static void legend(Markup page, StepTimes times, AlgorithmColours colours) {
        var shares = new TreeMap<String, Double>();
        for (var row : times.rows()) shares.merge(row.algorithm(), row.share(), Double::sum);
        page.open("ul", "class", "legend");
        colours.classes().forEach((algorithm, colour) -> page.open("li").element("span", "", "class", "swatch " + colour)
            .text(algorithm + " ").element("small", Bar.percent(shares.get(algorithm))).close());
        page.close();
        if (shares.keySet().stream().anyMatch(algorithm -> algorithm.contains("winograd"))) {
            page.element("p", "Flops are those of the direct sum. Winograd convolutions do it with up to four times fewer multiplications, so they "
                + "may lie above the flat line, beyond 100 % of the peak.");
        }
    }

    private static void table(Markup page, StepTimes times, AlgorithmColours colours) {
        double longest = times.rows().stream().mapToDouble(StepTimes.Row::share).max().orElse(1);
        page.open("div", "class", "scroll").open("table").open("thead").open("tr");
        for (var heading : new String[] {">#", "step", "operation", "output", ">ms", ">share", "", ">GFLOP/s", ">of peak", ">MB", ">GB/s",
            ">flop/byte", "kernel"}) {
            if (heading.startsWith(">")) page.element("th", heading.substring(1), "class", "number");
            else page.element("th", heading);
        }
        page.close().close().open("tbody");
        for (var row : times.rows()) {
            var step = row.step();
            page.open("tr", "id", "step-" + row.number());
            number(page, row.number()).element("td", step.name()).element("td", row.operation()).element("td", step.output());
            number(page, Table.number(row.milliseconds()));
            number(page, Bar.percent(row.share())).open("td", "class", "track").element("span", "", "class", "bar " + colours.of(row), "style",
                "width:" + Markup.coordinate(100 * row.share() / longest) + "px").close();
            number(page, row.computes() ? Table.number(row.gflopPerSecond()) : "");
            number(page, row.computes() ? Bar.percent(row.ofPeak()) : "");
            number(page, Table.number(step.bytes() / 1e6));
            number(page, Table.number(row.gbPerSecond()));
            number(page, row.computes() ? Table.number(row.intensity()) : "").element("td", step.implementation(), "class", "kernel").close();
        }
        page.close().open("tfoot").open("tr");
        number(page, "").element("td", times.rows().size() + " steps").element("td", "").element("td", "");
        number(page, Table.number(times.milliseconds()));
        number(page, Bar.percent(1)).element("td", "");
        number(page, Table.number(times.gflopPerSecond()));
        number(page, Bar.percent(times.ofPeak()));
        number(page, Table.number(times.bytes() / 1e6));
        number(page, Table.number(times.gbPerSecond())).element("td", "").element("td", "");
        page.close().close().close().close();
    }

    private static Markup number(Markup page, Object value) {
        return page.element("td", value, "class", "number");
    }

    /** What a pointer that rests on a step is told. */
    static String hover(StepTimes.Row row) {
        var step = row.step();
        return row.number() + ". " + step.name() + ": " + row.operation() + " -> " + step.output() + "\n" + Table.number(row.milliseconds())
            + " ms, " + Bar.percent(row.share()) + " of the time\n"
            + (row.computes() ? Table.number(row.gflopPerSecond()) + " GFLOP/s, " + Bar.percent(row.ofPeak()) + " of the peak\n" : "")
            + Table.number(row.gbPerSecond()) + " GB/s of " + Table.number(step.bytes() / 1e6) + " MB\n" + step.implementation();
    }

    /** The machine's best in a few words: {@code fp32 233 GFLOP/s, memory 33 GB/s}. */
    static String roofs(StepTimes times) {
        var roofs = new TreeMap<Double, String>();
        for (var row : times.rows()) roofs.put(row.peak(), arithmetic(row.peak(), times.peak()));
        var text = new StringBuilder();
        roofs.forEach((peak, name) -> text.append(name).append(' ').append(Table.number(peak)).append(" GFLOP/s, "));
        return text.append("memory ").append(Table.number(times.peak().bandwidth())).append(" GB/s").toString();
    }

    static String arithmetic(double peak, Device.Peak measured) {
        return peak == measured.int8() ? "int8" : peak == measured.bf16() ? "bf16" : peak == measured.bf16() / 2 ? "tf32" : "fp32";
    }
}
