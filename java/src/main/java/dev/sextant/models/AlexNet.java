// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import static dev.sextant.nn.Nn.*;

import dev.sextant.nn.Nn;

/** AlexNet, in its one-tower form and as it won in 2012. */
public final class AlexNet {
    private AlexNet() {}

    /**
     * One tower. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997, section 5.
     */
    public static Network alexnet() {
        return Network.imageNet("alexnet", seq(                                     //   3 x 224 x 224
            seq(
                conv(64, 11).stride(4).pad(2), relu(), maxPool(3, 2),               //  64 x  27 x  27
                conv(192, 5).pad(2), relu(), maxPool(3, 2),                         // 192 x  13 x  13
                conv(384, 3).pad(1), relu(),                                        // 384 x  13 x  13
                conv(256, 3).pad(1), relu(),                                        // 256 x  13 x  13, as torchvision; the paper 384
                conv(256, 3).pad(1), relu(), maxPool(3, 2)).as("features"),         // 256 x   6 x   6
            adaptiveAvgPool(6, 6).as("avgpool"),                                    // torchvision's; does nothing at 224
            seq(
                dropout(0.5), linear(4096), relu(),
                dropout(0.5), linear(4096), relu(),
                linear(1000)).as("classifier")));
    }

    /**
     * Two towers. Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS
     * 2012, figure 2. Departures: the towers are groups of one convolution, and conv1 is padded by 2 so that 224 gives the
     * figure's 55.
     */
    public static Network alexnet2012() {
        return Network.imageNet("alexnet_2012", seq(                                //   3 x 224 x 224
            conv(96, 11).stride(4).pad(2).as("conv1"), relu(), norm(), maxPool(3, 2),  //  96 x 27 x 27
            conv(256, 5).pad(2).groups(2).as("conv2"), relu(), norm(), maxPool(3, 2),  // 256 x 13 x 13
            conv(384, 3).pad(1).as("conv3"), relu(),                                // 384 x  13 x  13, both towers meet
            conv(384, 3).pad(1).groups(2).as("conv4"), relu(),                      // 384 x  13 x  13
            conv(256, 3).pad(1).groups(2).as("conv5"), relu(), maxPool(3, 2),       // 256 x   6 x   6
            linear(4096).as("fc6"), relu(), dropout(0.5),
            linear(4096).as("fc7"), relu(), dropout(0.5),
            linear(1000).as("fc8")));
    }

    /**
     * For CIFAR-10's 32x32. Departures from {@link #alexnet}: half as many channels or fewer, 5x5 and 3x3 instead of 11x11 and
     * 5x5 with stride 1, pools padded to halve the sides, linear layers of 512 with one dropout.
     */
    public static Network alexnetCifar() {
        return Network.cifar10("alexnet_cifar", seq(                                //   3 x  32 x  32
            seq(
                conv(48, 5).pad(2), relu(), maxPool(3, 2, 1),                       //  48 x  16 x  16
                conv(96, 3).pad(1), relu(), maxPool(3, 2, 1),                       //  96 x   8 x   8
                conv(160, 3).pad(1), relu(),                                        // 160 x   8 x   8
                conv(96, 3).pad(1), relu(),                                         //  96 x   8 x   8
                conv(96, 3).pad(1), relu(), maxPool(3, 2, 1)).as("features"),       //  96 x   4 x   4
            seq(
                linear(512), relu(),
                dropout(0.5), linear(512), relu(),
                linear(10)).as("classifier")));
    }

    /** Section 3.3: k = 2, n = 5, alpha = 1e-4, beta = 0.75. */
    private static Nn norm() {
        return lrn(5, 1e-4, 0.75, 2);
    }
}
