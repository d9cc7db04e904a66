// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import static dev.sextant.nn.Nn.*;

import dev.sextant.nn.Nn;
import java.util.ArrayList;
import java.util.List;

/**
 * DenseNet-BC, compression 0.5. Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks",
 * arXiv:1608.06993. Departure of the ImageNet variants, the authors' and torchvision's own: DenseNet-161 has growth 48 and
 * begins with 96 channels.
 */
public final class DenseNet {
    private DenseNet() {}

    public static Network densenet121() { return imageNet("densenet121", 32, 6, 12, 24, 16); }
    public static Network densenet161() { return imageNet("densenet161", 48, 6, 12, 36, 24); }
    public static Network densenet169() { return imageNet("densenet169", 32, 6, 12, 32, 32); }
    public static Network densenet201() { return imageNet("densenet201", 32, 6, 12, 48, 32); }

    /** Table 1. */
    private static Network imageNet(String name, int growth, int... blocks) {
        return Network.imageNet(name, body(growth, 2 * growth, blocks, List.of(            //   3 x 224 x 224
            conv(2 * growth, 7).stride(2).pad(3).noBias().as("conv0"),                     //  2k x 112 x 112
            batchNorm().as("norm0"), relu().as("relu0"), maxPool(3, 2, 1).as("pool0")), 1000));  //  2k x  56 x  56
    }

    /** Table 2, DenseNet-BC with L = 100 and k = 12: (100 - 4) / 6 = 16 bottlenecks in each of three blocks. */
    public static Network densenetBc100() {
        var body = body(12, 24, new int[] {16, 16, 16}, List.of(conv(24, 3).pad(1).noBias().as("conv0")), 10); // 24 x 32 x 32
        return Network.cifar10("densenet_bc_100_12", body);
    }

    /**
     * 40 layers for CIFAR-10's 32x32 with growth 16. Departures from {@link #densenet121}: a 3x3 convolution of stride 1 and a
     * 2x2 pool before the first block, three blocks of six bottlenecks.
     */
    public static Network densenetCifar() {
        return Network.cifar10("densenet_cifar", body(16, 32, new int[] {6, 6, 6}, List.of(       //   3 x 32 x 32
            conv(32, 3).pad(1).noBias().as("conv0"),
            batchNorm().as("norm0"), relu().as("relu0"), maxPool(2, 2).as("pool0")), 10));     //  32 x 16 x 16
    }

    private static Nn body(int growth, int channels, int[] blocks, List<Nn> stem, int classes) {
        var features = new ArrayList<>(stem);
        for (int b = 1; b <= blocks.length; b++) {
            var block = new ArrayList<Nn>();
            for (int i = 1; i <= blocks[b - 1]; i++, channels += growth) block.add(layer(growth).as("denselayer" + i));
            features.add(seq(block).as("denseblock" + b));
            if (b < blocks.length) features.add(transition(channels /= 2).as("transition" + b));
        }
        features.add(batchNorm().as("norm5"));                                             // 1024 x 7 x 7 in DenseNet-121
        return seq(seq(features).as("features"), relu(), globalAvgPool(), linear(classes).as("classifier"));
    }

    /** Equation 2, x becomes [x, H(x)], with H a bottleneck of {@code 4 growth} channels. */
    private static Nn layer(int growth) {
        return concat(identity(), seq(
            batchNorm().as("norm1"), relu().as("relu1"), conv(4 * growth, 1).noBias().as("conv1"),
            batchNorm().as("norm2"), relu().as("relu2"), conv(growth, 3).pad(1).noBias().as("conv2")).as(""));
    }

    private static Nn transition(int out) {
        return seq(batchNorm().as("norm"), relu().as("relu"), conv(out, 1).noBias().as("conv"), avgPool(2, 2).as("pool"));
    }
}
