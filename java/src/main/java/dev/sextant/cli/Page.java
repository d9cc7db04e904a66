// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

/** What all pages of reports share: each is one file that needs nothing else, in light and dark. */
final class Page {
    /** Colours that stay apart for most who see few of them; the first is a page's most important. */
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
        .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .dot { stroke: var(--card); stroke-width: 1.2; }
        .s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); } .s3 { stroke: var(--c3); }
        .faint { stroke-opacity: 0.5; stroke-width: 1.2; }
        .cell { fill: var(--c0); } .wrong { fill: var(--c1); } .cellnumber { fill: var(--ink); font-size: 11px; }
        .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 14px; margin: 12px 0 0; padding: 0;
          list-style: none; font-size: 12px; line-height: 1.35; }
        .pictures img { display: block; width: 100%; image-rendering: pixelated; border-radius: 5px; margin-bottom: 5px; }
        .pictures small { color: var(--soft); font-size: 12px; }
        code { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        """;

    private Page() {}

    /** Begins a page, up to its main part. */
    static void open(Markup page, String title) {
        page.open("html", "lang", "en", "xmlns", "http://www.w3.org/1999/xhtml").open("head");
        page.leaf("meta", "charset", "utf-8").leaf("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        page.element("title", "Sextant: " + title).open("style").style(STYLE).close().close();
        page.open("body").open("main");
    }

    /** Ends what {@link #open} began: the whole page. */
    static String close(Markup page) {
        page.close().close().close();
        return "<!DOCTYPE html>\n" + page;
    }

    /** One of the few numbers that matter, in a {@code dl}; {@code note} may be empty. */
    static void figure(Markup page, String name, String value, String note) {
        page.open("div").element("dt", name).open("dd").text(value + (note.isEmpty() ? "" : " "));
        if (!note.isEmpty()) page.element("small", note);
        page.close().close();
    }
}
