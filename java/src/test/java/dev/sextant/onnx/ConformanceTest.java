// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Device;
import dev.sextant.Model;
import dev.sextant.Precision;
import dev.sextant.Predictor;
import dev.sextant.Shape;
import dev.sextant.Shared;
import dev.sextant.Tensor;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The ONNX project's own cases: what is read has to compute what ONNX says, and what is not has to be refused for a good reason. */
class ConformanceTest {
    private static final Set<String> OPERATORS = Set.of("Conv", "BatchNormalization", "Relu", "Tanh", "Sigmoid", "Clip", "MaxPool",
        "AveragePool",
        "GlobalAveragePool", "GlobalMaxPool", "Concat", "Add", "Sum", "Mul", "Gemm", "MatMul", "Flatten", "Reshape", "Squeeze", "Unsqueeze",
        "Transpose", "LRN", "Softmax", "LogSoftmax", "Dropout", "Pad", "Constant", "ConstantOfShape", "Identity");

    /** ONNX's own runner allows as much. */
    private static final double RELATIVE = 1e-3, ABSOLUTE = 1e-7;

    /** The cases of these operators that are not for us, by what the refusal says. */
    private static final Map<String, Set<String>> REFUSED = Map.of(
        "attribute 'training_mode' of 1 is not supported", Set.of("test_batchnorm_epsilon_training_mode",
            "test_batchnorm_example_training_mode"),
        "drops at random, expected training_mode 0", Set.of("test_training_dropout", "test_training_dropout_default",
            "test_training_dropout_default_mask", "test_training_dropout_mask"),
        "of a fixed size but for the number of images, found [0, 3, 4]", Set.of("test_reshape_allowzero_reordered"));

    @TempDir
    private Path folder;

    /** What became of each case: nothing to say of those that passed. */
    private record Report(int passed, Map<String, String> failed, Map<String, String> refused, Map<String, List<String>> foreign) {
        void print() {
            System.out.println("ONNX conformance: " + passed + " cases passed, " + failed.size() + " failed, " + refused.size()
                + " refused, " + foreign.values().stream().mapToInt(List::size).sum() + " with operators that are not ours");
            foreign.forEach((operators, names) -> System.out.println("  " + operators + ": " + String.join(", ", names)));
            refused.forEach((name, reason) -> System.out.println("  refused " + name + ": " + reason));
            failed.forEach((name, fault) -> System.out.println("  FAILED " + name + ": " + fault));
        }
    }

    @Test
    void casesOfTheseOperatorsComputeWhatOnnxSays() throws IOException {
        var report = report(Cases.files(Shared.path("data/onnx/onnx-backend-tests.tar.gz")));
        report.print();
        assertTrue(report.failed.isEmpty(), report.failed::toString);
        var expected = new TreeSet<String>();
        REFUSED.forEach((reason, names) -> names.forEach(name -> {
            expected.add(name);
            assertTrue(report.refused.getOrDefault(name, "nothing").contains(reason), () -> name + ": " + report.refused.get(name));
        }));
        assertEquals(expected, report.refused.keySet());
        assertEquals(185, report.passed);
    }

    /** Any other archive of such cases, KIND/TEST/model.onnx and so on: {@code -Dsextant.onnx.cases=F.tar.gz}. */
    @Test
    @EnabledIfSystemProperty(named = "sextant.onnx.cases", matches = ".+")
    void casesOfAnotherArchiveComputeWhatOnnxSays() throws IOException {
        var report = report(Cases.files(Path.of(System.getProperty("sextant.onnx.cases"))));
        report.print();
        assertTrue(report.failed.isEmpty(), report.failed::toString);
    }

    private Report report(Map<String, byte[]> files) throws IOException {
        var folders = files.keySet().stream().filter(name -> name.endsWith("/model.onnx"))
            .map(name -> name.substring(0, name.lastIndexOf('/') + 1)).toList();
        var failed = new TreeMap<String, String>();
        var refused = new TreeMap<String, String>();
        var foreign = new TreeMap<String, List<String>>();
        int passed = 0;
        try (var device = Device.cpu(1)) {
            for (var path : folders) {
                var name = path.substring(path.lastIndexOf('/', path.length() - 2) + 1, path.length() - 1);
                var model = folder.resolve("model.onnx");
                Files.write(model, files.get(path + "model.onnx"));
                var others = foreignOperators(model);
                if (!others.isEmpty()) {
                    foreign.computeIfAbsent(others.toString(), _ -> new ArrayList<>()).add(name);
                    continue;
                }
                try {
                    var fault = run(device, model, path, files);
                    if (fault == null) passed++;
                    else failed.put(name, fault);
                } catch (UnsupportedOperationException e) {
                    refused.put(name, e.getMessage().replace(model + ": ", ""));
                } catch (IOException | RuntimeException e) {
                    failed.put(name, e.toString());
                }
            }
        }
        return new Report(passed, failed, refused, foreign);
    }

    private static Set<String> foreignOperators(Path model) throws IOException {
        try (var channel = FileChannel.open(model)) {
            return DocumentReader.read("model", Channels.newInputStream(channel)).graph().nodes().stream()
                .map(Document.Node::operator).filter(operator -> !OPERATORS.contains(operator))
                .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** What is wrong with the result; null if nothing is. */
    private String run(Device device, Path model, String path, Map<String, byte[]> files) throws IOException {
        List<String> names;
        try (var channel = FileChannel.open(model)) {
            var graph = DocumentReader.read("model", Channels.newInputStream(channel)).graph();
            var initialized = graph.initializers().stream().map(Document.Stored::name).toList();
            names = graph.inputs().stream().map(Document.Info::name).filter(name -> !initialized.contains(name)).toList();
        }
        var data = path + "test_data_set_0/";
        var scratch = folder.resolve("tensor.onnx");
        var constants = new HashMap<String, Tensor>();
        for (int i = 1; i < names.size(); i++) constants.put(names.get(i), Cases.tensor(files.get(data + "input_" + i + ".pb"), scratch));
        try (var loaded = Onnx.load(model, Onnx.Options.DEFAULT.withConstants(constants))) {
            var input = Cases.tensor(files.get(data + "input_0.pb"), scratch);
            return difference(predict(device, loaded, input), Cases.tensor(files.get(data + "output_0.pb"), scratch));
        }
    }

    private static Tensor predict(Device device, Model model, Tensor input) {
        var image = model.network().input();
        int images = Math.toIntExact(input.shape().elements() / image.elements());
        var options = Predictor.Options.of(image.prepend(images)).withPrecision(Precision.STRICT);
        try (var predictor = model.predictor(device, options)) {
            return predictor.predict(input.reshape(image.prepend(images)));
        }
    }

    private static String difference(Tensor found, Tensor expected) {
        if (found.shape().elements() != expected.shape().elements()) return "expected " + expected.shape() + ", found " + found.shape();
        for (long i = 0; i < expected.shape().elements(); i++) {
            float e = expected.get(i), f = found.get(i);
            if (f != e && !(Math.abs(f - e) <= ABSOLUTE + RELATIVE * Math.abs(e))) {
                return "element " + i + " of " + expected.shape() + ": expected " + e + ", found " + f;
            }
        }
        return null;
    }

    /** Whole networks, every weight the same: they check that files are read, not what is computed. */
    @Test
    void lightModelsRun() throws IOException {
        var files = Cases.files(Shared.path("data/onnx/onnx-backend-tests.tar.gz"));
        var failed = new LinkedHashMap<String, String>();
        int passed = 0;
        try (var device = Device.cpu(1)) {
            for (var path : files.keySet()) {
                if (!path.contains("/light/") || !path.endsWith(".onnx")) continue;
                var model = folder.resolve("light.onnx");
                Files.write(model, files.get(path));
                var expected = Cases.tensor(files.get(path.replace(".onnx", "_output_0.pb")), folder.resolve("tensor.onnx"));
                try (var loaded = Onnx.load(model)) {
                    var image = loaded.network().input();
                    assertEquals(Shape.of(3, 224, 224), image, path);
                    var values = new float[(int) image.elements()];
                    for (int i = 0; i < values.length; i++) values[i] = i / (float) values.length;
                    var fault = difference(predict(device, loaded, Tensor.of(image, values)), expected);
                    if (fault == null) passed++;
                    else failed.put(path, fault);
                } catch (Exception e) {
                    failed.put(path, e.toString());
                }
            }
        }
        failed.forEach((name, fault) -> System.out.println("  FAILED " + name + ": " + fault));
        assertTrue(failed.isEmpty(), failed::toString);
        assertEquals(9, passed);
    }
}
