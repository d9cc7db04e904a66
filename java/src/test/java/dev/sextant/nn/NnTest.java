// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Nn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Locale;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class NnTest {
    @Test
    void printsTheCallThatMakesIt() {
        assertEquals("conv(64, 7).stride(2).pad(3).noBias()", conv(64, 7).stride(2).pad(3).noBias().toString());
        assertEquals("conv(8, 1, 3).stride(2, 1).pad(0, 1).dilation(2).groups(4)",
            conv(8, 1, 3).stride(2, 1).pad(0, 1).dilation(2).groups(4).toString());
        assertEquals("maxPool(3, 2, 1)", maxPool(3, 2, 1).toString());
        assertEquals("avgPool(3, 1).ceil(true).countPad(false)", avgPool(3, 1).ceil(true).countPad(false).toString());
        assertEquals("batchNorm()", batchNorm().toString());
        assertEquals("batchNorm(0.001).momentum(0.01)", batchNorm(1e-3).momentum(0.01).toString());
        assertEquals("add(seq(conv(8, 3).as(\"conv\"), relu()).as(\"\"), identity())",
            add(seq(conv(8, 3).as("conv"), relu()).as(""), identity()).toString());
        assertEquals("""
            seq(
                conv(64, 3).pad(1).noBias(),
                batchNorm(),
                relu(),
                maxPool(2, 2),
                dropout(0.5),
                linear(1000),
                logSoftmax())""",
            seq(conv(64, 3).pad(1).noBias(), batchNorm(), relu(), maxPool(2, 2), dropout(0.5), linear(1000), logSoftmax()).toString());
    }

    @Test
    void renamingReplacesTheName() {
        assertEquals(relu().as("b"), relu().as("a").as("b"));
    }

    @Test
    void argumentsWithoutMeaningAreRefused() {
        refused("conv: expects at least 1 output channel, found 0", () -> conv(0, 3));
        refused("conv: expects a kernel of at least 1x1, found 3x0", () -> conv(4, 3, 0));
        refused("conv: expects strides of at least 1, found 0x0", () -> conv(4, 3).stride(0));
        refused("conv: expects padding of at least 0, found -1x-1", () -> conv(4, 3).pad(-1));
        refused("conv: expects a dilation of at least 1, found 0", () -> conv(4, 3).dilation(0));
        refused("conv: expects groups that divide its 64 output channels, found 3", () -> conv(64, 3).groups(3));
        refused("linear: expects at least 1 output, found -1", () -> linear(-1));
        refused("pool: expects a window of at least 1x1, found 0x0", () -> maxPool(0, 1));
        refused("pool: expects padding of 0 up to less than its 3x3 window, found 3x3", () -> maxPool(3, 1, 3));
        refused("adaptive average pool: expects an output of at least 1x1, found 0x6", () -> adaptiveAvgPool(0, 6));
        refused("batch norm: expects eps between 0 and 1, found 0.0", () -> batchNorm(0));
        refused("batch norm: expects a momentum from 0 to 1, found 2.0", () -> batchNorm().momentum(2));
        refused("lrn: expects a window of at least 1 channel, found 0", () -> lrn(0, 1, 1, 1));
        refused("dropout: expects a rate from 0 up to, not with, 1, found 1.0", () -> dropout(1));
        refused("shortcut: expects a stride of at least 1, found 0", () -> shortcut(8, 0));
        refused("concat: expects at least one branch, found none", () -> concat());
        refused("add: expects at least one branch, found none", () -> add());
        refused("as: expects a name without dots and spaces, found 'a.b'", () -> relu().as("a.b"));
        refused("aux: expects a loss weight of at least 0, found -0.3", () -> aux(relu(), -0.3));
    }

    @Test
    void numbersAreWrittenTheSameEverywhere() {
        var before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.GERMANY);
            refused("aux: expects a loss weight of at least 0, found -0.3", () -> aux(relu(), -0.3));
        } finally {
            Locale.setDefault(before);
        }
    }

    private static void refused(String message, Supplier<Nn> definition) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, definition::get).getMessage());
    }
}
