// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import static dev.sextant.nn.Nn.*;

import dev.sextant.nn.Nn;
import java.util.ArrayList;

/** ResNet. He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385. */
public final class ResNet {
    /** Blocks per stage, table 1. */
    private static final int[] BLOCKS_50 = {3, 4, 6, 3}, BLOCKS_101 = {3, 4, 23, 3}, BLOCKS_152 = {3, 8, 36, 3};

    private ResNet() {}

    public static Network resnet18() { return imageNet("resnet18", Block.BASIC, 2, 2, 2, 2); }
    public static Network resnet34() { return imageNet("resnet34", Block.BASIC, 3, 4, 6, 3); }

    // NOTE: these are "v1.5", as torchvision: a stage's stride is in the bottleneck's 3x3, in the paper it is in the first 1x1.
    public static Network resnet50() { return imageNet("resnet50", Block.BOTTLENECK, BLOCKS_50); }
    public static Network resnet101() { return imageNet("resnet101", Block.BOTTLENECK, BLOCKS_101); }
    public static Network resnet152() { return imageNet("resnet152", Block.BOTTLENECK, BLOCKS_152); }

    // NOTE: the paper's stride, and the first max pool of its authors' Caffe model: no padding, sizes rounded up.
    public static Network resnet50V1() { return imageNet("resnet50_v1", Block.BOTTLENECK_V1, BLOCKS_50); }
    public static Network resnet101V1() { return imageNet("resnet101_v1", Block.BOTTLENECK_V1, BLOCKS_101); }
    public static Network resnet152V1() { return imageNet("resnet152_v1", Block.BOTTLENECK_V1, BLOCKS_152); }

    public static Network resnet20() { return cifar("resnet20", Block.CIFAR, 3); }
    public static Network resnet32() { return cifar("resnet32", Block.CIFAR, 5); }
    public static Network resnet44() { return cifar("resnet44", Block.CIFAR, 7); }
    public static Network resnet56() { return cifar("resnet56", Block.CIFAR, 9); }
    public static Network resnet110() { return cifar("resnet110", Block.CIFAR, 18); }

    // NOTE: section 4.2's "plain" networks: the same layers without the shortcuts, whose gradients fade with depth.
    public static Network plain20() { return cifar("plain20", Block.PLAIN, 3); }
    public static Network plain56() { return cifar("plain56", Block.PLAIN, 9); }

    /**
     * Any depth of section 4.2.
     *
     * @param depth layers with weights: 6n + 2, from 8
     * @param isResidual whether with shortcuts
     * @throws IllegalArgumentException for another depth
     */
    public static Network cifar(int depth, boolean isResidual) {
        if (depth < 8 || depth % 6 != 2) throw new IllegalArgumentException("depth: expects 8, 14, 20, ... (6n + 2), found " + depth);
        return cifar((isResidual ? "resnet" : "plain") + depth, isResidual ? Block.CIFAR : Block.PLAIN, depth / 6);
    }

    /** Table 1: four stages of residual blocks on 224x224. */
    private static Network imageNet(String name, Block block, int... blocks) {
        return Network.imageNet(name, seq(                                              //   3 x 224 x 224
            conv(64, 7).stride(2).pad(3).noBias().as("conv1"), batchNorm().as("bn1"), relu().as("relu"),  //  64 x 112 x 112
            (block == Block.BOTTLENECK_V1 ? maxPool(3, 2).ceil(true) : maxPool(3, 2, 1)).as("maxpool"),   //  64 x  56 x  56
            stage(block, 64, blocks[0], 1, block != Block.BASIC).as("layer1"),          //  64 x  56 x  56, bottlenecks 256
            stage(block, 128, blocks[1], 2, true).as("layer2"),                         // 128 x  28 x  28,             512
            stage(block, 256, blocks[2], 2, true).as("layer3"),                         // 256 x  14 x  14,            1024
            stage(block, 512, blocks[3], 2, true).as("layer4"),                         // 512 x   7 x   7,            2048
            globalAvgPool().as("avgpool"), linear(1000).as("fc")));
    }

    /** Section 4.2: 6n + 2 layers on CIFAR-10's 32x32, shortcuts without parameters (option A). */
    private static Network cifar(String name, Block block, int n) {
        var body = seq(                                                                 //   3 x 32 x 32
            conv(16, 3).pad(1).noBias().as("conv1"), batchNorm().as("bn1"), relu(),     //  16 x 32 x 32
            stage(block, 16, n, 1, false).as("layer1"),                                 //  16 x 32 x 32
            stage(block, 32, n, 2, true).as("layer2"),                                  //  32 x 16 x 16
            stage(block, 64, n, 2, true).as("layer3"),                                  //  64 x  8 x  8
            globalAvgPool(), linear(10).as("linear"));
        return Network.cifar10(name, body);
    }

    /** @param reshape whether the first block changes the shape, so that its shortcut cannot be the identity */
    private static Nn stage(Block block, int width, int count, int stride, boolean reshape) {
        var blocks = new ArrayList<Nn>();
        for (int i = 0; i < count; i++) {
            var residual = block.residual(width, i == 0 ? stride : 1);
            var shortcut = i == 0 && reshape ? block.shortcut(width, stride) : identity();
            blocks.add(seq(block == Block.PLAIN ? residual : add(residual, shortcut).as(""), relu()));
        }
        return seq(blocks);
    }

    /** Figure 5 left (BASIC, CIFAR; PLAIN without its shortcut) and right. */
    private enum Block {
        BASIC, CIFAR, PLAIN, BOTTLENECK, BOTTLENECK_V1;

        Nn residual(int width, int stride) {
            return switch (this) {
                case BASIC, CIFAR, PLAIN -> seq(convBn(1, width, 3, stride), relu(), convBn(2, width, 3, 1)).as("");
                case BOTTLENECK -> bottleneck(width, 1, stride);
                case BOTTLENECK_V1 -> bottleneck(width, stride, 1);
            };
        }

        /** Where the shape changes: option A (CIFAR) or a projection, option B. */
        Nn shortcut(int width, int stride) {
            if (this == CIFAR || this == PLAIN) return Nn.shortcut(width, stride);
            int out = this == BASIC ? width : 4 * width;
            return seq(conv(out, 1).stride(stride).noBias(), batchNorm()).as("downsample");
        }

        private static Nn bottleneck(int width, int stride1, int stride3) {
            return seq(
                convBn(1, width, 1, stride1), relu(),
                convBn(2, width, 3, stride3), relu(),
                convBn(3, 4 * width, 1, 1)).as("");
        }

        private static Nn convBn(int i, int out, int k, int stride) {
            return seq(conv(out, k).stride(stride).pad(k / 2).noBias().as("conv" + i), batchNorm().as("bn" + i)).as("");
        }
    }
}
