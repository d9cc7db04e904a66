// SPDX-License-Identifier: Apache-2.0

/**
 * Sextant: describe a convolutional network, compile it for a device, run it. Begin with {@link dev.sextant.Model}; the networks
 * lie in {@link dev.sextant.models}, the words to describe others with in {@link dev.sextant.nn}.
 */
module dev.sextant {
    requires dev.sextant.bindings;
    requires info.picocli;
    requires com.google.protobuf;
    requires java.desktop;
    requires java.net.http;
    requires me.tongfei.progressbar;
    requires tools.jackson.core;
    requires xchart;

    exports dev.sextant;
    exports dev.sextant.data;
    exports dev.sextant.graph;
    exports dev.sextant.image;
    exports dev.sextant.io;
    exports dev.sextant.models;
    exports dev.sextant.nn;
    exports dev.sextant.onnx;
    exports dev.sextant.train;

    opens dev.sextant.cli to info.picocli;
}
