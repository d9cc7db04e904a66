// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import java.util.TreeMap;

/** A profile as one page that needs nothing else: a roofline plot, the times as columns, the table; in light and dark. */
final class ProfilePage {
    /** Colours that stay apart for most who see few of them; each page's first is the direct convolution's. */
    private static final String STYLE = """
        :root { color-scheme: light dark; --page: #f6f6f4; --card: #fdfdfc; --ink: #16161a; --soft: #55554f; --faint: #8a8983;
          --grid: #e6e5df; --axis: #c2c1b8; --shade: #f3f2ee; --c0: #2a78d6; --c1: #e2671f; --c2: #d99a00; --c3: #4a3aa7; --c4: #1a9e6e;
          --c5: #d63f6c; --c6: #2f7d1f; --c7: #9a5b2e; --grey: #8a8983; }
        @media (prefers-color-scheme: dark) {
          :root { --page: #0e0e0d; --card: #191918; --ink: #f4f4f1; --soft: #c3c2b7; --faint: #8f8e87; --grid: #2b2b29; --axis: #45453f;
            --shade: #20201f; --c0: #4a93ea; --c1: #ea7a3c; --c2: #d29a1c; --c3: #9a8ff0; --c4: #27a97c; --c5: #e86b90; --c6: #63ae4f;
            --c7: #b98258; --grey: #8f8e87; } }
        * { box-sizing: border-box; }
        body { margin: 0; padding: 28px 16px 48px; background: var(--page); color: var(--ink);
          font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        main { max-width: 1240px; margin: 0 auto; }
        h1 { font-size: 24px; line-height: 1.25; margin: 0; } h2 { font-size: 16px; margin: 0 0 4px; }
        p { margin: 0; color: var(--soft); max-width: 115ch; }
        section { background: var(--card); border: 1px solid var(--grid); border-radius: 10px; padding: 18px 20px; margin-top: 16px; }
        svg { display: block; width: 100%; height: auto; margin-top: 10px; font-size: 12px; }
        dl { display: flex; flex-wrap: wrap; gap: 10px 30px; margin: 18px 0 0; }
        dt { color: var(--soft); font-size: 12px; } dd { margin: 0; font-size: 20px; font-weight: 600; line-height: 1.3; }
        dd small { font-size: 13px; font-weight: 400; color: var(--soft); }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 20px; list-style: none; margin: 10px 0 0; padding: 0; }
        .legend li { white-space: nowrap; } .legend small { color: var(--soft); font-size: 13px; }
        .swatch { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin-right: 7px; }
        .c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); }
        .c2 { fill: var(--c2); background: var(--c2); } .c3 { fill: var(--c3); background: var(--c3); }
        .c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); }
        .c6 { fill: var(--c6); background: var(--c6); } .c7 { fill: var(--c7); background: var(--c7); }
        .grey { fill: var(--grey); background: var(--grey); }
        .point { stroke: var(--card); stroke-width: 1.2; fill-opacity: 0.82; } .point:hover { stroke: var(--ink); fill-opacity: 1; }
        .reach { fill: transparent; } .column:hover .reach { fill: var(--ink); fill-opacity: 0.08; }
        .grid { stroke: var(--grid); } .axis { stroke: var(--axis); } .roof { stroke: var(--ink); stroke-width: 1.6; }
        .shade { fill: var(--shade); } .tick { fill: var(--soft); } .title { fill: var(--faint); }
        .rooflabel { fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
        .name { fill: var(--ink); paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 12px; font-variant-numeric: tabular-nums; }
        th { color: var(--soft); font-weight: 500; text-align: left; white-space: nowrap; }
        th, td { padding: 3px 6px; border-bottom: 1px solid var(--grid); white-space: nowrap; }
        .number { text-align: right; } tfoot td { font-weight: 600; border-bottom: 0; padding-top: 6px; }
        tbody tr:hover { background: var(--shade); } .kernel { color: var(--soft); }
        .bar { display: inline-block; height: 9px; border-radius: 0 3px 3px 0; min-width: 1px; }
        .track { width: 106px; padding-left: 0; }
        """;

    private ProfilePage() {}

    static String of(StepTimes times) {
        var colours = AlgorithmColours.of(times);
        var page = new Markup();
        var title = times.model() + ", batch " + times.batch();
        page.open("html", "lang", "en", "xmlns", "http://www.w3.org/1999/xhtml").open("head");
        page.leaf("meta", "charset", "utf-8").leaf("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        page.element("title", "Sextant: " + title).open("style").style(STYLE).close().close();
        page.open("body").open("main");
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
        page.close().close().close();
        return "<!DOCTYPE html>\n" + page;
    }

    private static void heading(Markup page, StepTimes times, String title) {
        var device = times.device();
        page.element("h1", title);
        page.element("p", "Input " + times.input() + ", " + times.precision() + ", " + device.isaName() + " on " + device.threads()
            + (device.threads() == 1 ? " thread" : " threads") + " of " + device.processor() + ". Medians of " + times.runs()
            + " runs, Sextant " + Version.current() + ".");
        page.open("dl");
        figure(page, "one run", Table.number(times.milliseconds()) + " ms", "");
        figure(page, "images", Table.number(times.imagesPerSecond()) + " /s", "");
        figure(page, "arithmetic", Table.number(times.gflopPerSecond()) + " GFLOP/s", Bar.percent(times.ofPeak()) + " of the peak");
        figure(page, "data", Table.number(times.gbPerSecond()) + " GB/s", "from caches and memory");
        figure(page, "the machine at best", Table.number(times.peak().fp32()) + " GFLOP/s",
            "fp32, " + Table.number(times.peak().bandwidth()) + " GB/s read");
        page.close();
    }

    private static void figure(Markup page, String name, String value, String note) {
        page.open("div").element("dt", name).open("dd").text(value + (note.isEmpty() ? "" : " "));
        if (!note.isEmpty()) page.element("small", note);
        page.close().close();
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
        return peak == measured.int8() ? "int8" : peak == measured.bf16() ? "bf16" : "fp32";
    }
}
