// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.function.Supplier;

/** The catalogue: every network by name. */
public final class Networks {
    /**
     * A line of the catalogue.
     *
     * @param family the architecture's name
     * @param paper where it is defined
     * @param about what sets this variant apart
     * @param network makes it
     */
    public record Entry(String name, String family, String paper, String about, Supplier<Network> network) {}

    private static final SequencedMap<String, Entry> ENTRIES = new LinkedHashMap<>();

    static {
        var lenet = new Family("LeNet-5", "LeCun et al. 1998");
        lenet.add("lenet5", "digits 28x28, tanh, average pooling", LeNet5::lenet5);
        lenet.add("lenet5_32", "the same on the paper's 32x32", LeNet5::lenet5On32);
        lenet.add("lenet5_relu", "digits 28x28, ReLU, max pooling", LeNet5::lenet5Relu);
        lenet.add("lenet_caffe", "digits 28x28, Caffe's wider example", LeNet5::lenetCaffe);
        lenet.add("lenet5_cifar", "CIFAR-10 32x32, ten times the maps, batch norm", LeNet5::lenet5Cifar);
        var alexnet = new Family("AlexNet", "arXiv:1404.5997");
        alexnet.add("alexnet", "one tower, as torchvision", AlexNet::alexnet);
        new Family("AlexNet", "NIPS 2012").add("alexnet_2012", "two towers, response normalisation", AlexNet::alexnet2012);
        alexnet.add("alexnet_cifar", "CIFAR-10 32x32, about half the channels", AlexNet::alexnetCifar);
        var vgg = new Family("VGG", "arXiv:1409.1556");
        vgg.add("vgg11", "table 1, column A", Vgg::vgg11);
        vgg.add("vgg13", "table 1, column B", Vgg::vgg13);
        vgg.add("vgg16", "table 1, column D", Vgg::vgg16);
        vgg.add("vgg19", "table 1, column E", Vgg::vgg19);
        vgg.add("vgg11_bn", "column A with batch norm", Vgg::vgg11Bn);
        vgg.add("vgg13_bn", "column B with batch norm", Vgg::vgg13Bn);
        vgg.add("vgg16_bn", "column D with batch norm", Vgg::vgg16Bn);
        vgg.add("vgg19_bn", "column E with batch norm", Vgg::vgg19Bn);
        vgg.add("vgg_cifar", "CIFAR-10 32x32, column A with batch norm, half the channels", Vgg::vggCifar);
        var googlenet = new Family("GoogLeNet", "arXiv:1409.4842");
        googlenet.add("googlenet", "batch norm, 3x3 for 5x5, as torchvision", GoogLeNet::googlenet);
        googlenet.add("googlenet_2014", "the paper's: 5x5, response normalisation", GoogLeNet::googlenet2014);
        googlenet.add("googlenet_cifar", "CIFAR-10 32x32, four modules", GoogLeNet::googlenetCifar);
        var resnet = new Family("ResNet", "arXiv:1512.03385");
        resnet.add("resnet18", "basic blocks", ResNet::resnet18);
        resnet.add("resnet34", "basic blocks", ResNet::resnet34);
        resnet.add("resnet50", "bottlenecks, stride in the 3x3, as torchvision", ResNet::resnet50);
        resnet.add("resnet101", "bottlenecks, stride in the 3x3, as torchvision", ResNet::resnet101);
        resnet.add("resnet152", "bottlenecks, stride in the 3x3, as torchvision", ResNet::resnet152);
        resnet.add("resnet50_v1", "the paper's: stride in the first 1x1", ResNet::resnet50V1);
        resnet.add("resnet101_v1", "the paper's: stride in the first 1x1", ResNet::resnet101V1);
        resnet.add("resnet152_v1", "the paper's: stride in the first 1x1", ResNet::resnet152V1);
        resnet.add("resnet20", "CIFAR-10 32x32, option A shortcuts", ResNet::resnet20);
        resnet.add("resnet32", "CIFAR-10 32x32, option A shortcuts", ResNet::resnet32);
        resnet.add("resnet44", "CIFAR-10 32x32, option A shortcuts", ResNet::resnet44);
        resnet.add("resnet56", "CIFAR-10 32x32, option A shortcuts", ResNet::resnet56);
        resnet.add("resnet110", "CIFAR-10 32x32, option A shortcuts", ResNet::resnet110);
        resnet.add("plain20", "resnet20 without shortcuts", ResNet::plain20);
        resnet.add("plain56", "resnet56 without shortcuts", ResNet::plain56);
        var densenet = new Family("DenseNet", "arXiv:1608.06993");
        densenet.add("densenet121", "growth 32", DenseNet::densenet121);
        densenet.add("densenet161", "growth 48", DenseNet::densenet161);
        densenet.add("densenet169", "growth 32", DenseNet::densenet169);
        densenet.add("densenet201", "growth 32", DenseNet::densenet201);
        densenet.add("densenet_bc_100_12", "CIFAR-10 32x32, 100 layers, growth 12", DenseNet::densenetBc100);
        densenet.add("densenet_cifar", "CIFAR-10 32x32, 40 layers, growth 16", DenseNet::densenetCifar);
    }

    private record Family(String name, String paper) {
        void add(String variant, String about, Supplier<Network> network) {
            ENTRIES.put(variant, new Entry(variant, name, paper, about, network));
        }
    }

    private Networks() {}

    /** All lines, family by family. */
    public static List<Entry> entries() {
        return List.copyOf(ENTRIES.values());
    }

    /** All names, family by family. */
    public static List<String> names() {
        return List.copyOf(ENTRIES.keySet());
    }

    /**
     * The network called {@code name}; case and the choice of {@code -} or {@code _} do not matter.
     *
     * @throws IllegalArgumentException for an unknown name, with those nearest to it
     */
    public static Network named(String name) {
        var wanted = plain(name);
        for (var entry : ENTRIES.values()) {
            if (plain(entry.name()).equals(wanted)) return entry.network().get();
        }
        var nearest = String.join(", ", nearest(wanted));
        throw new IllegalArgumentException("unknown network '" + name + "', did you mean " + nearest + "?");
    }

    private static String plain(String name) {
        return name.strip().toLowerCase(Locale.ROOT).replaceAll("[-_ ]", "");
    }

    private static List<String> nearest(String wanted) {
        return ENTRIES.keySet().stream().sorted(Comparator.comparingInt(name -> distance(wanted, plain(name)))).limit(3).toList();
    }

    /** Insertions, deletions and replacements between two words (Levenshtein). */
    private static int distance(String a, String b) {
        var row = new ArrayList<Integer>();
        for (int j = 0; j <= b.length(); j++) row.add(j);
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row.set(0, i);
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row.set(j, Math.min(replaced, 1 + Math.min(row.get(j), row.get(j - 1))));
            }
        }
        return row.getLast();
    }
}
