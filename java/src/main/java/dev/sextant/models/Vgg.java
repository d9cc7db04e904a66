// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import static dev.sextant.nn.Nn.*;

import dev.sextant.nn.Nn;
import java.util.ArrayList;
import java.util.Arrays;

/**
 * VGG-11/13/16/19. Simonyan &amp; Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
 * arXiv:1409.1556, table 1. Departures, both torchvision's: the {@code _bn} variants normalise after each convolution, and a
 * pooling to 7x7, which does nothing at 224, admits other input sizes.
 */
public final class Vgg {
    /** Columns A, B, D, E of table 1: output channels of the 3x3 convolutions; 0 is max pooling. */
    private static final int[]
        A = {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0},
        B = {64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0},
        D = {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0},
        E = {64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512, 0};

    private Vgg() {}

    public static Network vgg11() { return vgg("vgg11", A, false); }
    public static Network vgg13() { return vgg("vgg13", B, false); }
    public static Network vgg16() { return vgg("vgg16", D, false); }
    public static Network vgg19() { return vgg("vgg19", E, false); }
    public static Network vgg11Bn() { return vgg("vgg11_bn", A, true); }
    public static Network vgg13Bn() { return vgg("vgg13_bn", B, true); }
    public static Network vgg16Bn() { return vgg("vgg16_bn", D, true); }
    public static Network vgg19Bn() { return vgg("vgg19_bn", E, true); }

    /**
     * For CIFAR-10's 32x32: column A with batch norm and half its channels, which five pools bring to 1x1; one hidden linear
     * layer, of 256, instead of two of 4096.
     */
    public static Network vggCifar() {
        return Network.cifar10("vgg_cifar", seq(                   //   3 x  32 x  32
            features(true, Arrays.stream(A).map(out -> out / 2).toArray()),  // 256 x   1 x   1
            seq(linear(256), relu(), dropout(0.5), linear(10)).as("classifier")));
    }

    private static Network vgg(String name, int[] column, boolean normalised) {
        return Network.imageNet(name, seq(                         //   3 x 224 x 224
            features(normalised, column),                          // 512 x   7 x   7
            adaptiveAvgPool(7, 7).as("avgpool"),
            seq(
                linear(4096), relu(), dropout(0.5),
                linear(4096), relu(), dropout(0.5),
                linear(1000)).as("classifier")));
    }

    private static Nn features(boolean normalised, int... column) {
        var features = new ArrayList<Nn>();
        for (int out : column) {
            features.add(out == 0 ? maxPool(2, 2) : conv(out, 3).pad(1));
            if (out > 0 && normalised) features.add(batchNorm());
            if (out > 0) features.add(relu());
        }
        return seq(features).as("features");
    }
}
