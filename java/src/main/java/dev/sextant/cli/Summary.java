// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Shape;
import dev.sextant.models.Network;
import dev.sextant.nn.Conv;
import dev.sextant.nn.Layer;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Parameter;
import dev.sextant.nn.Pool;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant summary}: a network, layer by layer. */
@Command(
    name = "summary",
    description = {
        "List a network's layers: output shapes, trained parameters, arithmetic of one image.",
        "",
        "A multiply-add counts as 2 flops; convolutions and linear layers are counted."
    },
    footer = {
        "  sextant summary vgg16 --input 3x256x256",
        "  sextant summary --onnx mobilenet.onnx"
    })
final class Summary implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "M", converter = NetworkConverter.class,
        description = "Network, one of those that 'sextant models' lists.")
    private Network network;

    @Mixin
    private OnnxFile onnx;

    @Option(names = "--input", paramLabel = "CxHxW", converter = ShapeConverter.class,
        description = "Shape of one image; the network's own if not given.")
    private Shape input;

    @Override
    public Integer call() throws IOException {
        onnx.requireInPlaceOf(network == null ? List.of() : List.of(network));
        if (onnx.isGiven()) {
            try (var model = onnx.load()) {
                network = model.network();
            }
        }
        var shape = input == null ? network.input() : input;
        var layers = Layers.inference(network.body(), shape);
        var out = spec.commandLine().getOut();
        out.println(network.name() + " on " + shape);
        out.println();
        var table = new Table("LAYER", "TYPE", ">OUTPUT", ">PARAMETERS", ">MFLOP");
        for (var layer : layers.all()) {
            table.add(layer.path().isEmpty() ? "-" : layer.path(), type(layer), layer.output(), orDash(layer.trainable()),
                layer.flops() == 0 ? "-" : Table.number(layer.flops() / 1e6));
        }
        table.rule().add(layers.all().size() + " layers", "", layers.output(), Table.count(layers.trainable()), Table.number(layers.flops() / 1e6));
        table.print(out);
        out.println();
        out.println("parameters  " + Table.count(layers.trainable()) + heads(layers) + ", " + Table.number(bytes(layers) / 1048576.0)
            + " MiB of float32 with the statistics of batch norms");
        out.println("arithmetic  " + Table.number(layers.flops() / 1e9) + " GFLOP an image");
        return 0;
    }

    /** The parameters that only training has, where there are any. */
    private String heads(Layers inference) {
        long heads = network.trainable() - network.layers().trainable();
        return heads == 0 ? "" : " (and " + Table.count(heads) + " in the auxiliary heads of training)";
    }

    private static long bytes(Layers layers) {
        return layers.parameters().stream().map(Parameter::shape).mapToLong(Shape::elements).sum() * Float.BYTES;
    }

    private static String orDash(long count) {
        return count == 0 ? "-" : Table.count(count);
    }

    /** The layer's kind, with what tells it from its neighbours: {@code conv 7x7/2}, {@code max pool 3x3/2}. */
    private static String type(Layer layer) {
        return switch (layer.nn()) {
            case Conv c -> "conv " + window(c.r(), c.s(), c.strideH(), c.strideW()) + (c.groups() == 1 ? "" : ", " + c.groups() + " groups")
                + (c.dilation() == 1 ? "" : ", dilation " + c.dilation());
            case Pool p -> layer.type() + " " + window(p.r(), p.s(), p.strideH(), p.strideW());
            default -> layer.type();
        };
    }

    private static String window(int r, int s, int strideH, int strideW) {
        var stride = strideH != strideW ? "/" + strideH + "x" + strideW : strideH == 1 ? "" : "/" + strideH;
        return r + "x" + s + stride;
    }
}
