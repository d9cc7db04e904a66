// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Precision;
import dev.sextant.data.Augmentation;
import dev.sextant.models.Network;
import dev.sextant.train.Optimizer;
import dev.sextant.train.Schedule;
import dev.sextant.train.TrainingOptions;
import java.util.LinkedHashMap;
import java.util.Map;

/** How each network is trained when the command line does not say otherwise: where to begin, in a table. */
final class Recipe {
    private static final Map<String, TrainingOptions> KNOWN = new LinkedHashMap<>();

    static {
        //                       epochs batch   rate  schedule                decay  smoothing  augmentation
        add("lenet5",               15,   64,  0.03, "onecycle",              5e-4,      0,    "crop:2");
        add("lenet5_32",            15,   64,  0.03, "onecycle",              5e-4,      0,    "crop:2");
        add("lenet5_relu",          15,   64,  0.03, "onecycle",              5e-4,      0,    "crop:2");
        add("lenet_caffe",          10,   64,  0.03, "onecycle",              5e-4,      0,    "crop:2");
        add("resnet20",             30,  128,   0.2, "onecycle",              5e-4,      0,    "flip,crop:4");
        add("lenet5_cifar",          8,   64,  0.03, "onecycle",              5e-4,      0,    "flip,crop:4");
        add("alexnet_cifar",         7,   64,  0.03, "onecycle",              5e-4,      0,    "flip,crop:4");
        add("vgg_cifar",             6,   64,   0.1, "onecycle",              5e-4,      0,    "flip,crop:4");
        add("googlenet_cifar",       5,   64,   0.1, "onecycle",              5e-4,      0,    "flip,crop:4");
        add("densenet_cifar",        5,   64,   0.1, "onecycle",              5e-4,      0,    "flip,crop:4");
        // What the others fall back on, by their input: small pictures, and those of ImageNet's size, from trained weights.
        add("gray",                 15,   64,  0.03, "onecycle",              5e-4,      0,    "none");
        add("small",                20,  128,   0.2, "onecycle",              5e-4,      0,    "flip,crop:4");
        add("large",                10,   16,  0.01, "warmup:0.05,cosine",    1e-4,    0.1,    "resized-crop,flip");
    }

    private Recipe() {}

    private static void add(String name, int epochs, int batch, double rate, String schedule, double decay, double smoothing,
            String augmentation) {
        var optimizer = Optimizer.Sgd.of(0.9, decay).withNesterov(true);
        KNOWN.put(name, new TrainingOptions(epochs, batch, rate, Schedule.parse(schedule), optimizer, smoothing,
            Augmentation.parse(augmentation), 1, Precision.FP32));
    }

    static TrainingOptions of(Network network) {
        var known = KNOWN.get(network.name());
        if (known != null) return known;
        var input = network.input();
        return KNOWN.get(input.dim(1) > 64 ? "large" : input.dim(0) == 1 ? "gray" : "small");
    }
}
