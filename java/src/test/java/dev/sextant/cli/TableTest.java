// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void columnsAreAligned() {
        var table = new Table("NAME", ">COUNT", "WHAT").add("a", 1, "x").add("longer", 12345678, "y").rule().add("end");
        assertEquals("""
            NAME       COUNT  WHAT
            a              1  x
            longer  12345678  y
            ----------------------
            end
            """, printed(table));
    }

    @Test
    void rowsPrintedLaterKeepTheColumns() {
        var table = new Table("FILE", "CLASS").reserve(0, 6).add("a", "x");
        assertEquals("FILE    CLASS\na       x\n", printed(table));
        assertEquals("longer  y\n", printed(table.add("longer", "y")));
    }

    @Test
    void controlCharactersDoNotReachTheTerminal() {
        assertEquals("FILE\na?[31m?b\n", printed(new Table("FILE").add("a\u001b[31m\nb")));
    }

    @Test
    void numbersShowThreeDigits() {
        assertEquals("0.00083", Table.number(0.000833));
        assertEquals("0.123", Table.number(0.1234));
        assertEquals("1.23", Table.number(1.234));
        assertEquals("12.3", Table.number(12.34));
        assertEquals("1,235", Table.number(1234.6));
        assertEquals("25,557,032", Table.count(25_557_032));
    }

    @Test
    void barsFitTheCharacterSet() {
        assertEquals("██████████", Bar.in(StandardCharsets.UTF_8).of(0.5));
        assertEquals("▏", Bar.in(StandardCharsets.UTF_8).of(0.005));
        assertEquals("##########", Bar.in(StandardCharsets.US_ASCII).of(0.5));
        assertEquals(Bar.WIDTH, Bar.BLOCKS.of(1).length());
        assertEquals("", Bar.HASHES.of(0));
        assertEquals("54.8 %", Bar.percent(0.548));
    }

    private static String printed(Table table) {
        var text = new StringWriter();
        table.print(new PrintWriter(text));
        return text.toString().replace(System.lineSeparator(), "\n");
    }
}
