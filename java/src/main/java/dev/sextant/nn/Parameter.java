// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import dev.sextant.Shape;

/**
 * One array of weights that a description asks for.
 *
 * @param key its name in a checkpoint, torchvision's where torchvision has the network: {@code layer1.0.conv1.weight}
 * @param shape row-major
 * @param optional whether a checkpoint may lack it: it belongs to an auxiliary head
 */
public record Parameter(String key, Shape shape, Kind kind, boolean optional) {

    /** What the values are: of convolutions and linear layers WEIGHT and BIAS, of batch norms the other four. */
    public enum Kind {
        WEIGHT("weight"), BIAS("bias"), GAMMA("weight"), BETA("bias"), MEAN("running_mean"), VARIANCE("running_var");

        private final String suffix;

        Kind(String suffix) {
            this.suffix = suffix;
        }

        /** The key's last part. */
        public String suffix() {
            return suffix;
        }
    }

    /** Whether training changes it by its gradient; running statistics follow the batches instead. */
    public boolean trainable() {
        return kind != Kind.MEAN && kind != Kind.VARIANCE;
    }
}
