// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks.peers;

import dev.sextant.benchmarks.TrainingEngine;
import dev.sextant.graph.Constant;
import dev.sextant.graph.Function;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Node;
import dev.sextant.graph.TrainingGraph;
import dev.sextant.graph.Value;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A training step as a TorchScript program, which PyTorch runs without Java in between: the operations that a PyTorch user's program
 * calls, its own autograd and its fused SGD. Works in place where torchvision does: ReLU behind convolutions and norms, residual sums.
 *
 * <p>The program has two methods: {@code give}, once, all {@link #keys keyed} arrays, and {@code forward(pictures, labels) -> loss}.
 */
final class PyTorchStep {
    private static final String NAME = "Step";
    /** A pickled object of class {@code __torch__.Step} with three empty lists; and a pickled empty tuple. */
    private static final String OBJECT = "\u0080\u0002c__torch__\nStep\n)\u0081}(X\1\0\0\0w]X\1\0\0\0m]X\1\0\0\0s]ub.",
        NONE = "\u0080\u0002).";
    private static final int CHANNELS_LAST = 2;

    private final TrainingGraph.Description step;
    private final List<String> lines = new ArrayList<>();
    private final List<String> parameters = new ArrayList<>(), statistics = new ArrayList<>();
    private final Map<Value, String> names = new HashMap<>();
    private final Map<Value, Integer> readers = new HashMap<>();
    private final Map<Value, Node> makers = new HashMap<>();

    PyTorchStep(TrainingGraph.Description step) {
        this.step = step;
        for (var node : graph().nodes()) {
            makers.put(node.dst(), node);
            for (var source : node.sources()) readers.merge(source, 1, Integer::sum);
        }
        graph().taps().values().forEach(value -> readers.merge(value, 1, Integer::sum));
        names.put(graph().input(), "x");
        for (var node : graph().nodes()) {
            var name = "v" + node.dst().id();
            lines.add(name + " = " + expression(node));
            names.put(node.dst(), name);
        }
    }

    private Graph graph() {
        return step.graph();
    }

    /** Keys of what {@code give} wants, in order: the parameters, then the running statistics. */
    List<String> keys() {
        return Stream.concat(parameters.stream(), statistics.stream()).toList();
    }

    // ------------------------------------------------------------------------------------------ the forward pass

    private String expression(Node node) {
        var src = names.get(node.sources().getFirst());
        return switch (node) {
            case Node.Conv conv -> {
                var w = conv.window();
                yield "torch.conv2d(%s, %s, %s, [%d, %d], [%d, %d], [%d, %d], %d)".formatted(src, parameter(conv.weights()),
                    parameter(conv.bias()), w.strideH(), w.strideW(), w.padTop(), w.padLeft(), w.dilation(), w.dilation(), conv.groups());
            }
            case Node.Linear linear -> "torch.linear(%s, %s, %s)".formatted(linear.src().isFlat() ? src : "torch.flatten(" + src + ", 1)",
                parameter(linear.weights()), parameter(linear.bias()));
            case Node.Pool pool -> pool(pool, src);
            case Node.TrainingNorm norm -> {
                var n = norm.norm();
                yield "torch.batch_norm(%s, %s, %s, %s, %s, True, %s, %s, True)".formatted(src, parameter(n.gamma()), parameter(n.beta()),
                    statistic(n.mean()), statistic(n.variance()), norm.momentum(), n.eps());
            }
            case Node.Eltwise eltwise when eltwise.other() != null ->
                "torch.add%s(%s, %s)".formatted(isFree(eltwise.src()) ? "_" : "", src, names.get(eltwise.other()));
            case Node.Eltwise eltwise -> switch (eltwise.tail()) {
                case RELU -> "torch.relu%s(%s)".formatted(isFree(eltwise.src()) ? "_" : "", src);
                case TANH, SIGMOID -> "torch.%s(%s)".formatted(eltwise.tail() == Function.TANH ? "tanh" : "sigmoid", src);
                case IDENTITY -> src;
            };
            case Node.Lrn lrn -> lrn(lrn, src);
            case Node.Concat concat ->
                "torch.cat([" + String.join(", ", concat.sources().stream().map(names::get).toList()) + "], 1)";
            case Node.Flatten _ -> "torch.flatten(" + src + ", 1)";
            case Node.Dropout dropout -> "torch.dropout(%s, %s, True)".formatted(src, dropout.rate());
            case Node.Shortcut shortcut -> {
                int before = (shortcut.dst().c() - shortcut.src().c()) / 2, after = shortcut.dst().c() - shortcut.src().c() - before;
                yield "torch.constant_pad_nd(torch.slice(torch.slice(%s, 2, 0, None, %d), 3, 0, None, %d), [0, 0, 0, 0, %d, %d])"
                    .formatted(src, shortcut.stride(), shortcut.stride(), before, after);
            }
            case Node.Identity _ -> src;
            case Node.Softmax _, Node.BatchNorm _, Node.Reorder _ ->
                throw new IllegalArgumentException("pytorch: expects a description of training that ends in logits, found " + node.text());
        };
    }

    /** Whether nobody but one reader needs it, not even the gradient of what made it: then that reader may overwrite it. */
    private boolean isFree(Value value) {
        return readers.get(value) == 1 && switch (makers.get(value)) {
            case Node.Conv _, Node.Linear _, Node.TrainingNorm _, Node.Concat _ -> true;
            case Node.Eltwise sum -> sum.other() != null;
            case null, default -> false;
        };
    }

    private static String pool(Node.Pool pool, String src) {
        var w = pool.window();
        if (pool.kind() == Node.PoolKind.AVERAGE_ADAPTIVE || w.r() == pool.src().h() && w.s() == pool.src().w() && pool.dst().h() == 1) {
            if (pool.kind() != Node.PoolKind.MAX) {
                return "torch.adaptive_avg_pool2d(%s, [%d, %d])".formatted(src, pool.dst().h(), pool.dst().w());
            }
        }
        int floor = (pool.src().h() + 2 * w.padTop() - w.r()) / w.strideH() + 1;
        var ceil = pool.dst().h() > floor ? "True" : "False";
        var window = "[%d, %d], [%d, %d], [%d, %d]".formatted(w.r(), w.s(), w.strideH(), w.strideW(), w.padTop(), w.padLeft());
        if (pool.kind() == Node.PoolKind.MAX) return "torch.max_pool2d(%s, %s, [1, 1], %s)".formatted(src, window, ceil);
        var withPad = pool.kind() == Node.PoolKind.AVERAGE_WITH_PAD ? "True" : "False";
        return "torch.avg_pool2d(%s, %s, %s, %s, None)".formatted(src, window, ceil, withPad);
    }

    /** As torch.nn.functional.local_response_norm computes it; its alpha is ours times the size. */
    private static String lrn(Node.Lrn lrn, String src) {
        var squares = "torch.constant_pad_nd(torch.unsqueeze(torch.mul(%s, %s), 1), [0, 0, 0, 0, %d, %d])".formatted(src, src,
            lrn.size() / 2, (lrn.size() - 1) / 2);
        var means = "torch.squeeze(torch.avg_pool3d(%s, [%d, 1, 1], [1, 1, 1]), 1)".formatted(squares, lrn.size());
        return "torch.div(%s, torch.pow(torch.add(torch.mul(%s, %s), %s), %s))".formatted(src, means, lrn.alpha() * lrn.size(), lrn.k(),
            lrn.beta());
    }

    private String parameter(Constant constant) {
        return constant == null ? "None" : reference("w", parameters, (Constant.Parameter) constant);
    }

    private String statistic(Constant.Parameter parameter) {
        return reference("s", statistics, parameter);
    }

    private static String reference(String list, List<String> keys, Constant.Parameter parameter) {
        if (!keys.contains(parameter.key())) keys.add(parameter.key());
        return list + "[" + keys.indexOf(parameter.key()) + "]";
    }

    // ------------------------------------------------------------------------------------------ the program

    private String loss() {
        var loss = new StringBuilder(crossEntropy(graph().output()));
        graph().taps().forEach((head, logits) -> {
            loss.insert(0, "torch.add(").append(", ").append(crossEntropy(logits))
                .append(", alpha=").append(step.weights().get(head)).append(')');
        });
        return loss.toString();
    }

    private String crossEntropy(Value logits) {
        return "torch.cross_entropy_loss(" + names.get(logits) + ", y, None, 1, -100, 0.)";
    }

    /** @param isChannelsLast whether pictures and weights of convolutions lie in memory channels last, and all between them follows */
    String program(boolean isChannelsLast) {
        var given = new ArrayList<String>();
        var gradients = new ArrayList<String>();
        for (int i = 0; i < parameters.size(); i++) {
            given.add("torch.requires_grad_(self.placed(all[" + i + "]), True)");
            gradients.add("unchecked_cast(Tensor, g[" + i + "])");
        }
        var followed = new ArrayList<String>();
        for (int i = 0; i < statistics.size(); i++) followed.add("torch.clone(all[" + (parameters.size() + i) + "])");
        return """
            class Step(Module):
              __parameters__ = []
              __buffers__ = []
              w : List[Tensor]
              m : List[Tensor]
              s : List[Tensor]
              def placed(self: __torch__.Step, t: Tensor) -> Tensor:
                if torch.eq(torch.dim(t), 4):
                  r = torch.contiguous(torch.clone(t), memory_format=%d)
                else:
                  r = torch.clone(t)
                return r
              def give(self: __torch__.Step, all: List[Tensor]) -> Tensor:
                self.w = [%s]
                self.m = [torch.zeros_like(i) for i in self.w]
                self.s = annotate(List[Tensor], [%s])
                return torch.detach(all[0])
              def forward(self: __torch__.Step, x: Tensor, y: Tensor) -> Tensor:
                w = self.w
                s = self.s
                %s
                loss = %s
                g = torch.grad([loss], w)
                d = annotate(List[Tensor], [%s])
                torch._fused_sgd_(w, d, self.m, weight_decay=%s, momentum=%s, lr=%s, dampening=0., nesterov=False, maximize=False, is_first_step=False)
                return torch.detach(loss)
            """.formatted(isChannelsLast ? CHANNELS_LAST : 0, String.join(", ", given), String.join(", ", followed),
            String.join("\n    ", lines), loss(),
            String.join(", ", gradients), TrainingEngine.WEIGHT_DECAY, TrainingEngine.MOMENTUM, TrainingEngine.LEARNING_RATE);
    }

    /** {@link #program} as the file that {@code torch.jit.load} reads: a zip of sources and pickled objects, none compressed. */
    byte[] archive(boolean isChannelsLast) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            add(zip, "data.pkl", OBJECT.getBytes(StandardCharsets.ISO_8859_1));
            add(zip, "code/__torch__.py", program(isChannelsLast).getBytes(StandardCharsets.UTF_8));
            add(zip, "constants.pkl", NONE.getBytes(StandardCharsets.ISO_8859_1));
            add(zip, "version", "3\n".getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
        var entry = new ZipEntry(NAME + "/" + name);
        var sum = new CRC32();
        sum.update(content);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }
}
