// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.Model;
import dev.sextant.Shape;
import dev.sextant.Tensor;
import dev.sextant.models.Networks;
import dev.sextant.nn.Parameter;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The other names are those that timm 1.0.29, transformers 5 and torchvision's first files have. */
class KeyNamesTest {
    private static Weights weights(String... keys) {
        var tensors = new HashMap<String, Tensor>();
        for (var key : keys) tensors.put(key, Tensor.of(Shape.of(), new float[1]));
        return Weights.of(tensors, "checkpoint");
    }

    /** All parameters of a network, renamed, find back to their names. */
    private static void comesBack(String network, UnaryOperator<String> naming) {
        var keys = Networks.named(network).parameters().stream().map(Parameter::key).collect(Collectors.toCollection(TreeSet::new));
        var renamed = weights(keys.stream().map(naming).toArray(String[]::new));
        assertEquals(keys, KeyNames.of(renamed).keySet());
        for (var entry : KeyNames.of(renamed).entrySet()) assertEquals(naming.apply(entry.getKey()), entry.getValue());
    }

    private static String transformers(String key) {
        var layer = Pattern.compile("layer(\\d)\\.(\\d+)\\.(?:(conv|bn)(\\d)|downsample\\.(\\d))\\.(.*)").matcher(key);
        if (!layer.matches()) {
            return key.replaceFirst("^conv1\\.", "resnet.embedder.embedder.convolution.")
                .replaceFirst("^bn1\\.", "resnet.embedder.embedder.normalization.").replaceFirst("^fc\\.", "classifier.1.");
        }
        boolean isConvolution = layer.group(3) == null ? layer.group(5).equals("0") : layer.group(3).equals("conv");
        return "resnet.encoder.stages." + (Integer.parseInt(layer.group(1)) - 1) + ".layers." + layer.group(2) + "."
            + (layer.group(3) == null ? "shortcut" : "layer." + (Integer.parseInt(layer.group(4)) - 1))
            + (isConvolution ? ".convolution." : ".normalization.") + layer.group(6);
    }

    @Test
    void transformers() {
        assertEquals("resnet.encoder.stages.3.layers.0.shortcut.normalization.running_var",
            transformers("layer4.0.downsample.1.running_var"));
        for (var network : new String[] {"resnet18", "resnet50", "resnet152"}) {
            comesBack(network, KeyNamesTest::transformers);
            comesBack(network, key -> transformers(key).replaceFirst("^resnet\\.", ""));
        }
    }

    @Test
    void timm() {
        comesBack("resnet50", key -> "timm_model." + key);
        for (var network : new String[] {"vgg11", "vgg16_bn"}) {
            comesBack(network, key -> key.replace("classifier.0.", "pre_logits.fc1.").replace("classifier.3.", "pre_logits.fc2.")
                .replace("classifier.6.", "head.fc."));
        }
    }

    @Test
    void torchvisionsFirstDenseNets() {
        comesBack("densenet121", key -> key.replaceAll("(denselayer\\d+\\.(?:norm|conv))([12])", "$1.$2"));
    }

    @Test
    void wrappers() {
        for (var prefix : new String[] {"module.", "model.", "_orig_mod.", "module._orig_mod.", "net.", "model.module.timm_model.", ""}) {
            comesBack("alexnet", key -> prefix + key); // its classifier.1 is no transformers' one
            comesBack("resnet18", key -> prefix + transformers(key));
        }
        assertEquals(Map.of("module.a", "module.a", "b", "b"), KeyNames.of(weights("module.a", "b")),
            "a prefix that not all keys have is none");
        assertTrue(KeyNames.of(weights()).isEmpty());
    }

    @Test
    void twoNamesOfOneParameter() {
        var both = weights("resnet.embedder.embedder.convolution.weight", "conv1.weight");
        assertTrue(assertThrows(IllegalArgumentException.class, () -> KeyNames.of(both))
            .getMessage().startsWith("checkpoint: expects one tensor"));
    }

    /** timm's VGG has convolutions where torchvision has linear layers over all channels and pixels: the same numbers. */
    @Test
    void linearLayersMayBeStoredAsConvolutions() {
        assertTrue(KeyNames.fits(Shape.of(10, 4, 7, 7), Shape.of(10, 196)) && KeyNames.fits(Shape.of(3, 4), Shape.of(3, 4)));
        assertTrue(!KeyNames.fits(Shape.of(10, 4, 7, 6), Shape.of(10, 196)) && !KeyNames.fits(Shape.of(196, 10), Shape.of(10, 196))
            && !KeyNames.fits(Shape.of(10, 36), Shape.of(10, 4, 3, 3)));
        var network = Networks.named("lenet5");
        var tensors = network.parameters().stream().collect(Collectors.toMap(Parameter::key,
            p -> Tensor.of(p.key().equals("fc1.weight") ? Shape.of(120, 16, 5, 5) : p.shape(), new float[(int) p.shape().elements()])));
        Model.of(network, Weights.of(tensors, "checkpoint")).close();
    }
}
