// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.Predictor;
import dev.sextant.image.Filter;
import dev.sextant.image.Picture;
import dev.sextant.models.BuiltIn;
import dev.sextant.models.Network;
import dev.sextant.onnx.Onnx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant classify}: from pictures to labels. A picture that cannot be read does not keep the others from being classified. */
@Command(
    name = "classify",
    description = {
        "Say what is in pictures.",
        "",
        "How a picture becomes the network's input, and what the classes are called, comes with the weights file (its metadata) or "
            + "with the network: ImageNet's thousand classes, CIFAR-10's ten or the digits."
    },
    footer = {
        "  sextant classify digit.png",
        "  sextant classify frog.jpg --model resnet20",
        "  sextant classify cat.jpg dog.png --model resnet50 --weights resnet50.safetensors",
        "  sextant classify cat.jpg --onnx resnet50.onnx --labels classes.txt",
        "  sextant classify *.jpg --model resnet50 --weights resnet50.safetensors --json"
    })
final class Classify implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Pictures: JPEG, PNG, BMP, GIF, TIFF, WebP.")
    private List<Path> images;

    @Option(names = "--model", paramLabel = "M", converter = NetworkConverter.class, defaultValue = "lenet5",
        description = "Network, one of those that 'sextant models' lists (default: ${DEFAULT-VALUE}, which reads digits).")
    private Network network;

    @Option(names = "--weights", paramLabel = "F", description = "Its trained parameters, a safetensors file or PyTorch's .pth; "
        + "not needed for lenet5 (digits) and resnet20 (CIFAR-10), whose weights are built in.")
    private Path weights;

    @Mixin
    private OnnxFile onnx;

    @Option(names = "--labels", paramLabel = "F",
        description = "Names of the classes, a text file with one a line, in place of the built-in ones.")
    private Path labels;

    private Filter filter;

    private int top;

    @Option(names = "--json", description = "Print one JSON object an image, each on its own line.")
    private boolean json;

    @Mixin
    private RunOptions run;

    @Option(names = "--filter", paramLabel = "F", description = "How pictures are resized, bilinear or bicubic, in place of what the weights or "
        + "the network say: most of timm's networks were trained with bicubic.")
    void filter(String name) {
        try {
            filter = Filter.parse(name);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--" + e.getMessage());
        }
    }

    @Option(names = "--top", paramLabel = "K", defaultValue = "5",
        description = "How many classes to print, the likeliest first (default: ${DEFAULT-VALUE}).")
    void top(int top) {
        if (top < 1) throw new ParameterException(spec.commandLine(), "--top: expects at least 1, found " + top);
        this.top = top;
    }

    @Override
    public Integer call() throws IOException {
        if (onnx.isGiven() && weights != null) throw new ParameterException(spec.commandLine(), "expects --weights F or --onnx F, found both");
        if (!onnx.isGiven() && weights == null && !BuiltIn.has(network)) {
            throw new ParameterException(spec.commandLine(), "expects --weights F, the trained parameters of " + network.name()
                + " as a safetensors file or .pth; none are built in, and none are downloaded unasked (see fetch)");
        }
        var first = Preparation.ahead(() -> Picture.read(Failure.readable(images.getFirst())));
        try (var model = onnx.isGiven() ? onnx.load(labels, Onnx.Options.DEFAULT.withLogits()) : Pretrained.load(network, weights, labels);
                var device = run.device();
                var predictor = run.predictor(model, device, model.network().input().prepend(1))) {
            var network = model.network();
            if (filter != null) network = network.with(network.preprocessing().with(filter));
            return classify(network, predictor, device, first);
        }
    }

    /** @param first the first picture, on its way */
    private int classify(Network network, Predictor predictor, Device device, Future<Picture> first) {
        var out = spec.commandLine().getOut();
        var table = new Table("FILE", ">PROBABILITY", "", "CLASS").reserve(2, Bar.WIDTH);
        for (var image : images) table.reserve(0, Table.width(image.toString()));
        var bar = Bar.in(System.out.charset());
        var times = new ArrayList<Double>();
        int status = ExitCode.OK;
        for (var image : images) {
            try {
                var answer = answer(image, image == images.getFirst() ? picture(first) : Picture.read(Failure.readable(image)), network, predictor);
                if (json) {
                    out.println(answer.json());
                    out.flush();
                } else {
                    times.add(answer.milliseconds());
                    answer.addTo(table, bar);
                    table.print(out);
                }
            } catch (IOException | RuntimeException e) {
                status = Failure.report(spec.commandLine().getErr(), e);
            }
        }
        if (!times.isEmpty()) {
            out.println();
            out.println(network.name() + " (" + run.on(device) + "): "
                + Table.number(times.stream().sorted().skip(times.size() / 2).findFirst().orElseThrow()) + " ms an image");
        }
        return status;
    }

    private static Picture picture(Future<Picture> coming) throws IOException {
        try {
            return coming.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case Throwable cause -> throw new IllegalStateException(cause);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("classify: interrupted while reading a picture", e);
        }
    }

    private Answer answer(Path image, Picture picture, Network network, Predictor predictor) {
        var input = picture.tensor(network.preprocessing());
        long start = System.nanoTime();
        var logits = predictor.predict(input).slice(0);
        double milliseconds = (System.nanoTime() - start) / 1e6;
        return Answer.of(image, network.name(), milliseconds, logits, network.labels(), top);
    }
}
