// SPDX-License-Identifier: Apache-2.0
package dev.sextant.models;

import static dev.sextant.nn.Nn.*;

import dev.sextant.Shape;
import dev.sextant.image.Labels;
import dev.sextant.image.Preprocessing;
import dev.sextant.nn.Nn;

/**
 * LeNet-5. LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11),
 * 1998, figure 2.
 *
 * <p>Departures of all variants from the paper, as everyone makes them: S2 and S4 average without a trained scale and bias,
 * C3 sees all maps of S2 instead of table 1's choice, tanh is not scaled by 1.7159, and the output layer is linear instead of
 * radial basis functions.
 */
public final class LeNet5 {
    private LeNet5() {}

    /** On MNIST's own 28x28, which two pixels of padding in C1 turn into the paper's sizes. */
    public static Network lenet5() {
        return new Network("lenet5", body(2), Shape.of(1, 28, 28), Preprocessing.LENET5, Labels.digits());
    }

    /** On the paper's 32x32; takes the same weights as {@link #lenet5}. */
    public static Network lenet5On32() {
        return new Network("lenet5_32", body(0), Shape.of(1, 32, 32), Preprocessing.LENET5_32, Labels.digits());
    }

    private static Nn body(int pad) {
        return seq(                                                       //   1 x 32 x 32 with the padding
            conv(6, 5).pad(pad).as("conv1"), tanh(), avgPool(2, 2),       // C1  6 x 28 x 28, S2  6 x 14 x 14
            conv(16, 5).as("conv2"), tanh(), avgPool(2, 2),               // C3 16 x 10 x 10, S4 16 x  5 x  5
            linear(120).as("fc1"), tanh(),                                // C5 120
            linear(84).as("fc2"), tanh(),                                 // F6  84
            linear(10).as("fc3"));
    }

    /** The PyTorch tutorials' LeNet: ReLU and max pooling, 28x28 without padding. */
    public static Network lenet5Relu() {
        var body = seq(                                                   //   1 x 28 x 28
            conv(6, 5).as("conv1"), maxPool(2, 2), relu(),                //   6 x 12 x 12
            conv(16, 5).as("conv2"), maxPool(2, 2), relu(),               //  16 x  4 x  4
            linear(120).as("fc1"), relu(),
            linear(84).as("fc2"), relu(),
            linear(10).as("fc3"));
        return new Network("lenet5_relu", body, Shape.of(1, 28, 28), Preprocessing.MNIST, Labels.digits());
    }

    /**
     * For CIFAR-10's colours. Departures from {@link #lenet5}: about ten times the maps, ReLU and max pooling as in {@link
     * #lenet5Relu}, batch norm behind the convolutions, dropout before the linear layers.
     */
    public static Network lenet5Cifar() {
        return Network.cifar10("lenet5_cifar", seq(                       //   3 x 32 x 32
            conv(64, 5).noBias().as("conv1"), batchNorm().as("bn1"), relu(), maxPool(2, 2),    //  64 x 14 x 14
            conv(128, 5).noBias().as("conv2"), batchNorm().as("bn2"), relu(), maxPool(2, 2),   // 128 x  5 x  5
            dropout(0.3), linear(320).as("fc1"), relu(),
            dropout(0.3), linear(160).as("fc2"), relu(),
            linear(10).as("fc3")));
    }

    /** The LeNet of Caffe's MNIST example: wider, max pooling, one ReLU. */
    public static Network lenetCaffe() {
        var body = seq(                                                   //   1 x 28 x 28
            conv(20, 5).as("conv1"), maxPool(2, 2),                       //  20 x 12 x 12
            conv(50, 5).as("conv2"), maxPool(2, 2),                       //  50 x  4 x  4
            linear(500).as("ip1"), relu(),
            linear(10).as("ip2"));
        return new Network("lenet_caffe", body, Shape.of(1, 28, 28), Preprocessing.MNIST_CAFFE, Labels.digits());
    }
}
