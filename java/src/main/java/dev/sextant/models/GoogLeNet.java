// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import static dev.sextant.nn.Nn.*;

import dev.sextant.nn.Nn;

/**
 * GoogLeNet (Inception v1). Szegedy et al., "Going Deeper with Convolutions", arXiv:1409.4842, table 1. Rows of the table
 * have its columns' order: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
 */
public final class GoogLeNet {
    private GoogLeNet() {}

    /**
     * torchvision's. Departures from the paper: batch norm (eps 1e-3) instead of biases and response normalisation, 3x3
     * convolutions in place of the 5x5, the fourth max pool 2x2, dropout 0.2 instead of 0.4, heads of adaptive pooling.
     */
    public static Network googlenet() {
        return Network.imageNet("googlenet", seq(                                              //    3 x 224 x 224
            cbr(64, 7, 2).as("conv1"), maxPool(3, 2).ceil(true).as("maxpool1"),                //   64 x  56 x  56
            cbr(64, 1, 1).as("conv2"), cbr(192, 3, 1).as("conv3"),
            maxPool(3, 2).ceil(true).as("maxpool2"),                                           //  192 x  28 x  28
            inception(64, 96, 128, 16, 32, 32).as("inception3a"),                              //  256 x  28 x  28
            inception(128, 128, 192, 32, 96, 64).as("inception3b"),
            maxPool(3, 2).ceil(true).as("maxpool3"),                                           //  480 x  14 x  14
            inception(192, 96, 208, 16, 48, 64).as("inception4a"), head().as("aux1"),          //  512 x  14 x  14
            inception(160, 112, 224, 24, 64, 64).as("inception4b"),
            inception(128, 128, 256, 24, 64, 64).as("inception4c"),
            inception(112, 144, 288, 32, 64, 64).as("inception4d"), head().as("aux2"),         //  528 x  14 x  14
            inception(256, 160, 320, 32, 128, 128).as("inception4e"),
            maxPool(2, 2).ceil(true).as("maxpool4"),                                           //  832 x   7 x   7
            inception(256, 160, 320, 32, 128, 128).as("inception5a"),
            inception(384, 192, 384, 48, 128, 128).as("inception5b"),                          // 1024 x   7 x   7
            globalAvgPool().as("avgpool"), flatten(), dropout(0.2).as("dropout"), linear(1000).as("fc")));
    }

    /**
     * For CIFAR-10's 32x32. Departures from {@link #googlenet}: a stem of two 3x3 convolutions and one pool, four modules of
     * about half the channels, no auxiliary heads, which nine modules need and four do not.
     */
    public static Network googlenetCifar() {
        return Network.cifar10("googlenet_cifar", seq(                                         //    3 x  32 x  32
            cbr(32, 3, 1).as("conv1"), maxPool(2, 2).as("maxpool1"), cbr(64, 3, 1).as("conv2"),  //  64 x  16 x  16
            inception(32, 32, 48, 16, 32, 16).as("inception3a"),                               //  128 x  16 x  16
            inception(48, 48, 64, 16, 32, 16).as("inception3b"), maxPool(2, 2).as("maxpool3"), //  160 x   8 x   8
            inception(64, 48, 96, 16, 32, 32).as("inception4a"),                               //  224 x   8 x   8
            inception(64, 64, 128, 16, 32, 32).as("inception4b"),                              //  256 x   8 x   8
            globalAvgPool().as("avgpool"), flatten(), dropout(0.2).as("dropout"), linear(10).as("fc")));
    }

    private static Nn inception(int c1, int r3, int c3, int r5, int c5, int proj) {
        return concat(
            cbr(c1, 1, 1).as("branch1"),
            seq(cbr(r3, 1, 1), cbr(c3, 3, 1)).as("branch2"),
            seq(cbr(r5, 1, 1), cbr(c5, 3, 1)).as("branch3"), // 5x5 in the paper
            seq(maxPool(3, 1, 1).ceil(true), cbr(proj, 1, 1)).as("branch4"));
    }

    private static Nn cbr(int out, int k, int stride) {
        return seq(conv(out, k).stride(stride).pad(k / 2).noBias().as("conv"), batchNorm(1e-3).as("bn"), relu());
    }

    private static Nn head() {
        return aux(seq(
            adaptiveAvgPool(4, 4), cbr(128, 1, 1).as("conv"),                                  //  128 x   4 x   4
            linear(1024).as("fc1"), relu(), dropout(0.7), linear(1000).as("fc2")), 0.3);
    }

    /**
     * The paper's own, with the response normalisation and padding of the authors' public Caffe model where the paper is
     * silent.
     */
    public static Network googlenet2014() {
        return Network.imageNet("googlenet_2014", seq(                                         //    3 x 224 x 224
            conv(64, 7).stride(2).pad(3).as("conv1"), relu(), maxPool(3, 2).ceil(true), norm(), //  64 x  56 x  56
            conv(64, 1).as("conv2"), relu(), conv(192, 3).pad(1).as("conv3"), relu(),
            norm(), maxPool(3, 2).ceil(true),                                                  //  192 x  28 x  28
            inception2014(64, 96, 128, 16, 32, 32).as("inception3a"),                          //  256 x  28 x  28
            inception2014(128, 128, 192, 32, 96, 64).as("inception3b"),
            maxPool(3, 2).ceil(true),                                                          //  480 x  14 x  14
            inception2014(192, 96, 208, 16, 48, 64).as("inception4a"), head2014().as("aux1"),  //  512 x  14 x  14
            inception2014(160, 112, 224, 24, 64, 64).as("inception4b"),
            inception2014(128, 128, 256, 24, 64, 64).as("inception4c"),
            inception2014(112, 144, 288, 32, 64, 64).as("inception4d"), head2014().as("aux2"), //  528 x  14 x  14
            inception2014(256, 160, 320, 32, 128, 128).as("inception4e"),
            maxPool(3, 2).ceil(true),                                                          //  832 x   7 x   7
            inception2014(256, 160, 320, 32, 128, 128).as("inception5a"),
            inception2014(384, 192, 384, 48, 128, 128).as("inception5b"),                      // 1024 x   7 x   7
            globalAvgPool(), dropout(0.4), linear(1000).as("fc")));
    }

    /** Figure 2b. */
    private static Nn inception2014(int c1, int r3, int c3, int r5, int c5, int proj) {
        return concat(
            cr("branch1", c1, 1),
            seq(cr("branch2_reduce", r3, 1), cr("branch2", c3, 3)).as(""),
            seq(cr("branch3_reduce", r5, 1), cr("branch3", c5, 5)).as(""),
            seq(maxPool(3, 1, 1), cr("branch4", proj, 1)).as(""));
    }

    private static Nn cr(String name, int out, int k) {
        return seq(conv(out, k).pad(k / 2).as(name), relu()).as("");
    }

    /** Section 5: the side networks on 4a and 4d, their losses weighted by 0.3. */
    private static Nn head2014() {
        return aux(seq(
            avgPool(5, 3), cr("conv", 128, 1),                                                 //  128 x   4 x   4
            linear(1024).as("fc1"), relu(), dropout(0.7), linear(1000).as("fc2")), 0.3);
    }

    /** n = 5, alpha = 1e-4, beta = 0.75, k = 1; Caffe divides alpha by n. */
    private static Nn norm() {
        return lrn(5, 1e-4 / 5, 0.75, 1);
    }
}
