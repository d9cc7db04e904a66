// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.io.KeyNames;
import dev.sextant.io.Safetensors;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.nn.Parameter;
import dev.sextant.onnx.Onnx;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant convert}: weights from one format to another. */
@Command(
    name = "convert",
    description = {
        "Write weights in another format.",
        "",
        "IN is a safetensors file, also gzipped, a PyTorch checkpoint of a state_dict (.pth, .pt, .th, .ckpt: its content tells), or a "
            + "network with its weights, F.onnx. Tensors become safetensors bit for bit with their keys. With --model they must be those "
            + "of this network and are called as torchvision calls them, whoever named them: timm, transformers, a wrapper such as "
            + "DataParallel, ONNX; counters of batches stay behind. F.onnx as OUT holds the network too, so that it needs --model."
    },
    footer = {
        "  sextant convert resnet20-12fca82f.th resnet20.safetensors --model resnet20",
        "  sextant convert resnet50.pth resnet50.safetensors --bits 16",
        "  sextant convert resnet50.safetensors resnet50.onnx --model resnet50"
    })
final class Convert implements Callable<Integer> {
    private static final String SAFETENSORS = ".safetensors", ONNX = ".onnx", COUNTER = ".num_batches_tracked";

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "IN", index = "0", description = "What is read.")
    private Path in;

    @Parameters(paramLabel = "OUT", index = "1", description = "What is written: F.safetensors or F.onnx.")
    private Path out;

    @Option(names = "--model", paramLabel = "M", converter = NetworkConverter.class,
        description = "The network that the weights are for, one of those that 'sextant models' lists.")
    private Network network;

    private Integer bits;

    @Option(names = "--bits", paramLabel = "B",
        description = "Round numbers to 32, 16 (IEEE half precision) or 8 bits (with a scale for each output channel); "
            + "as they are if not given.")
    void bits(int bits) {
        if (bits != 32 && bits != 16 && bits != 8) {
            throw new ParameterException(spec.commandLine(), "--bits: expects 32, 16 or 8, found " + bits);
        }
        this.bits = bits;
    }

    @Override
    public Integer call() throws IOException {
        boolean isOnnx = in.toString().endsWith(ONNX);
        if (out.toString().endsWith(ONNX)) {
            if (bits != null) throw new ParameterException(spec.commandLine(), "--bits: expects OUT to be F.safetensors, found " + out);
            if (isOnnx == (network != null)) {
                throw new ParameterException(spec.commandLine(), isOnnx ? "--model: expects IN without a network, found " + in
                    : "expects --model M, the network that ONNX files hold beside its weights");
            }
            try (var model = isOnnx ? Onnx.load(Failure.readable(in)) : Pretrained.load(network, in, null)) {
                Onnx.save(model, out);
            }
            return said("the network and its weights");
        }
        if (!out.toString().endsWith(SAFETENSORS)) {
            throw new ParameterException(spec.commandLine(), "OUT: expects a name that ends in " + SAFETENSORS + " or " + ONNX
                + ", found " + out);
        }
        int count = isOnnx ? ofOnnx() : ofWeights();
        return said(Table.count(count) + (count == 1 ? " tensor" : " tensors"));
    }

    private int said(String what) throws IOException {
        spec.commandLine().getOut().println(out + ": " + what + ", " + Table.count(Files.size(out)) + " bytes");
        return 0;
    }

    private int ofOnnx() throws IOException {
        try (var model = Onnx.load(Failure.readable(in), Onnx.Options.DEFAULT.withLogits()); var arena = Arena.ofConfined()) {
            return write(network == null ? OnnxNames.own(model, arena) : OnnxNames.as(network, model, in, arena), Map.of());
        }
    }

    private int ofWeights() throws IOException {
        try (var weights = Weights.open(Failure.readable(in));
                var model = network == null ? null : Model.of(Pretrained.fitted(network, weights), weights)) {
            var keys = keys(weights);
            var shapes = model == null ? Map.<String, Shape>of() : shapes(model.network(), keys);
            if (bits == null) {
                Safetensors.write(out, weights, keys, shapes, weights.metadata());
                return keys.size();
            }
            var tensors = new TreeMap<String, Tensor>();
            keys.forEach((name, key) -> tensors.put(name, weights.tensor(key).reshape(shapes.getOrDefault(name, weights.shape(key)))));
            return write(tensors, weights.metadata());
        }
    }

    /** The key of each tensor that is written, by its name in the new file. */
    private Map<String, String> keys(Weights weights) {
        var keys = new TreeMap<String, String>();
        if (network == null) weights.keys().forEach(key -> keys.put(key, key));
        else keys.putAll(KeyNames.of(weights));
        if (network != null || bits != null) keys.keySet().removeIf(name -> name.endsWith(COUNTER));
        return keys;
    }

    /** The network's own, where others store a linear layer as a convolution. */
    private static Map<String, Shape> shapes(Network network, Map<String, String> keys) {
        return network.parameters().stream().filter(parameter -> keys.containsKey(parameter.key()))
            .collect(Collectors.toMap(Parameter::key, Parameter::shape));
    }

    private int write(Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        switch (bits == null ? 32 : bits) {
            case 8 -> Safetensors.writeBytes(out, tensors, metadata);
            case 16 -> Safetensors.writeHalf(out, tensors, metadata);
            default -> Safetensors.write(out, tensors, metadata);
        }
        return tensors.size();
    }
}
