// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import dev.sextant.Tensor;
import dev.sextant.models.Network;
import dev.sextant.nn.Activation;
import dev.sextant.nn.BatchNorm;
import dev.sextant.nn.Conv;
import dev.sextant.nn.Layer;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Parameter;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What a network's weights are before it has learnt anything. Each tensor's numbers depend on the seed and its own key alone.
 * Biases and running means begin at 0, norms' gamma and running variances at 1, norms' beta at 0.
 *
 * <p>{@code fan_in} is how many products make one output, {@code fan_out} to how many outputs one input goes.
 */
public enum Initialisation {
    /**
     * For ReLU: normal with variance {@code 2 / fan_in} (He et al., arXiv:1502.01852, eq. 10), of convolutions before a batch norm
     * {@code 2 / fan_out} (eq. 14), as ResNets and DenseNets are trained with. The last layer of the network and of each auxiliary
     * head, which no ReLU follows: {@code 1 / fan_in}.
     */
    HE,
    /**
     * Uniform with variance {@code 2 / (fan_in + fan_out)} (Glorot and Bengio, "Understanding the difficulty of training deep
     * feedforward neural networks", AISTATS 2010, eq. 16).
     */
    XAVIER,
    /**
     * For tanh: uniform with variance {@code 1 / fan_in} (LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, eq. 16). LeNet-5's
     * own paper has the bounds 2.4 / fan_in, made for a tanh that is scaled by 1.7159 and for layers of a few inputs each.
     */
    LECUN;

    /** The one that suits what follows the layers: {@link #LECUN} where it is tanh or a sigmoid, else {@link #HE}. */
    public static Initialisation of(Network network) {
        boolean saturates = network.layers().all().stream().anyMatch(layer -> layer.nn() instanceof Activation activation
            && activation.function() != Activation.Function.RELU);
        return saturates ? LECUN : HE;
    }

    /** All parameters of {@code network} by key, auxiliary heads and running statistics included, in the order of its layers. */
    public SequencedMap<String, Tensor> parameters(Network network, long seed) {
        var layers = Layers.of(network.body(), network.input()).all();
        var last = last(layers);
        var normed = normed(layers);
        var tensors = new LinkedHashMap<String, Tensor>();
        for (var layer : layers) {
            for (var parameter : layer.parameters()) {
                var key = parameter.key();
                tensors.put(key, Tensor.of(parameter.shape(), switch (parameter.kind()) {
                    case WEIGHT -> weights(parameter, seed, last.contains(key), normed.contains(key));
                    case GAMMA, VARIANCE -> filled(parameter, 1);
                    case BIAS, BETA, MEAN -> filled(parameter, 0);
                }));
            }
        }
        return Collections.unmodifiableSequencedMap(tensors);
    }

    private static float[] filled(Parameter parameter, float value) {
        var values = new float[Math.toIntExact(parameter.shape().elements())];
        Arrays.fill(values, value);
        return values;
    }

    private float[] weights(Parameter parameter, long seed, boolean last, boolean normed) {
        var random = new SplittableRandom(mixed(seed, parameter.key()));
        var values = filled(parameter, 0);
        int inputs = Math.toIntExact(parameter.shape().dropFirst().elements());
        // One input of a group reaches that group's outputs, each through the r x s places of the window.
        long outputs = parameter.shape().elements() / parameter.shape().dim(1);
        double deviation = Math.sqrt(switch (this) {
            case HE -> last ? 1.0 / inputs : normed ? 2.0 / outputs : 2.0 / inputs;
            case XAVIER -> 2.0 / (inputs + outputs);
            case LECUN -> 1.0 / inputs;
        });
        if (this == HE) {
            for (int i = 0; i < values.length; i++) values[i] = (float) (deviation * random.nextGaussian());
        } else {
            double bound = Math.sqrt(3) * deviation;
            for (int i = 0; i < values.length; i++) values[i] = (float) random.nextDouble(-bound, bound);
        }
        return values;
    }

    /** The keys of the last weights of the network, and of each auxiliary head. */
    private static Set<String> last(List<Layer> layers) {
        var keys = new HashSet<String>();
        String key = null, head = null;
        for (var layer : layers) {
            var of = layer.auxiliary() ? layer.path().split("\\.")[0] : null;
            if (head != null && !head.equals(of)) keys.add(key);
            head = of;
            if (!layer.parameters().isEmpty() && layer.parameters().getFirst().kind() == Parameter.Kind.WEIGHT) {
                key = layer.parameters().getFirst().key();
            }
        }
        if (key != null) keys.add(key);
        return keys;
    }

    /** The keys of those convolutions whose result a batch norm takes next. */
    private static Set<String> normed(List<Layer> layers) {
        var keys = new HashSet<String>();
        for (int i = 1; i < layers.size(); i++) {
            var before = layers.get(i - 1);
            if (layers.get(i).nn() instanceof BatchNorm && before.nn() instanceof Conv) {
                keys.add(before.parameters().getFirst().key());
            }
        }
        return keys;
    }

    /** A seed of the key's own: FNV-1a of both, then the finish of SplitMix64, so that near keys begin far apart. */
    private static long mixed(long seed, String key) {
        long hash = 0xcbf29ce484222325L ^ seed;
        for (int i = 0; i < key.length(); i++) hash = (hash ^ key.charAt(i)) * 0x100000001b3L;
        hash = (hash ^ (hash >>> 30)) * 0xbf58476d1ce4e5b9L;
        hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
        return hash ^ (hash >>> 31);
    }
}
