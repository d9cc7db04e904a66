// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.Shape;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * What others call the parameters that the networks here call as torchvision does. Which of them named a checkpoint shows in its keys:
 *
 * <ul>
 *   <li>what wraps a network puts a prefix before every key: DataParallel {@code module.}, {@code torch.compile} {@code _orig_mod.},
 *       Lightning the name of its field, transformers {@code timm_model.};
 *   <li>transformers' ResNet numbers stages and layers from 0: {@code resnet.encoder.stages.0.layers.0.layer.0.convolution.weight};
 *   <li>timm's VGG has convolutions instead of the two hidden linear layers: {@code pre_logits.fc1.weight}; its ResNets and DenseNets
 *       are called as torchvision's;
 *   <li>torchvision's own DenseNet files have names that PyTorch no longer allows: {@code denselayer1.norm.1.weight}.
 * </ul>
 */
public final class KeyNames {
    private static final List<String> PREFIXES = List.of("module.", "_orig_mod.", "model.", "net.", "network.", "timm_model.");

    /** The names of one origin. */
    private record Table(Pattern mark, List<Rule> rules) {
        Table(String mark, Rule... rules) {
            this(Pattern.compile(mark), List.of(rules));
        }

        String apply(String key) {
            for (var rule : rules) {
                var matcher = rule.from.matcher(key);
                if (matcher.lookingAt()) return rule.to.apply(matcher.toMatchResult()) + key.substring(matcher.end());
            }
            return key;
        }
    }

    /** How a key's beginning changes. */
    private record Rule(Pattern from, Function<MatchResult, String> to) {
        Rule(String from, Function<MatchResult, String> to) {
            this(Pattern.compile(from), to);
        }

        Rule(String from, String to) {
            this(Pattern.quote(from), _ -> to);
        }
    }

    private static final String STEM = "(?:resnet\\.)?embedder\\.embedder\\.";
    private static final String BLOCK = "(?:resnet\\.)?encoder\\.stages\\.(\\d)\\.layers\\.(\\d{1,2})\\.";

    private static final List<Table> TABLES = List.of(
        new Table(STEM + "convolution\\.weight", // transformers' ResNet
            new Rule(STEM + "convolution\\.", _ -> "conv1."),
            new Rule(STEM + "normalization\\.", _ -> "bn1."),
            new Rule(BLOCK + "shortcut\\.convolution\\.", found -> block(found) + "downsample.0."),
            new Rule(BLOCK + "shortcut\\.normalization\\.", found -> block(found) + "downsample.1."),
            new Rule(BLOCK + "layer\\.(\\d)\\.convolution\\.", found -> block(found) + "conv" + next(found, 3) + "."),
            new Rule(BLOCK + "layer\\.(\\d)\\.normalization\\.", found -> block(found) + "bn" + next(found, 3) + "."),
            new Rule("classifier.1.", "fc.")),
        new Table("pre_logits\\.fc1\\.weight", // timm's VGG
            new Rule("pre_logits.fc1.", "classifier.0."),
            new Rule("pre_logits.fc2.", "classifier.3."),
            new Rule("head.fc.", "classifier.6.")),
        new Table(".*\\.denselayer1\\.norm\\.1\\.weight", // torchvision's first DenseNets
            new Rule("(.*\\.denselayer\\d{1,2}\\.(?:norm|conv))\\.([12]\\.)", found -> found.group(1) + found.group(2))));

    private KeyNames() {}

    /**
     * From torchvision's names to the keys that a checkpoint has in their place. Keys of unknown origin keep their name.
     *
     * @throws IllegalArgumentException if two keys are two names of one parameter
     */
    public static SortedMap<String, String> of(Weights weights) {
        var keys = weights.keys();
        int prefix = prefix(keys);
        var table = TABLES.stream().filter(t -> keys.stream().anyMatch(key -> t.mark.matcher(key.substring(prefix)).matches())).findFirst();
        var names = new TreeMap<String, String>();
        for (var key : keys) {
            var plain = key.substring(prefix);
            var name = table.isPresent() ? table.get().apply(plain) : plain;
            var other = names.put(name, key);
            if (other != null) {
                throw new IllegalArgumentException(weights.source() + ": expects one tensor for " + name + ", found " + Header.quote(other)
                    + " and " + Header.quote(key));
            }
        }
        return names;
    }

    /**
     * Whether a tensor of shape {@code found} holds the numbers of one of shape {@code expected}, in the same order: a linear layer may be
     * stored as the convolution over all of its input that it is.
     */
    public static boolean fits(Shape found, Shape expected) {
        return found.equals(expected) || expected.rank() == 2 && found.rank() == 4 && found.dim(0) == expected.dim(0)
            && found.elements() == expected.elements();
    }

    /** Length of what wrappers have put before every key. */
    private static int prefix(Collection<String> keys) {
        int length = 0;
        while (true) {
            int begin = length;
            var found = PREFIXES.stream().filter(prefix -> !keys.isEmpty() && keys.stream().allMatch(key -> key.startsWith(prefix, begin)))
                .findFirst();
            if (found.isEmpty()) return length;
            length += found.get().length();
        }
    }

    private static String block(MatchResult found) {
        return "layer" + next(found, 1) + "." + found.group(2) + ".";
    }

    private static int next(MatchResult found, int group) {
        return Integer.parseInt(found.group(group)) + 1;
    }
}
