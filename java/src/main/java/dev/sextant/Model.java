// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.Predictor.Options;
import dev.sextant.bindings.SextantLibrary;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Parameters;
import dev.sextant.graph.Pass;
import dev.sextant.graph.Ranges;
import dev.sextant.graph.SubBatches;
import dev.sextant.io.Weights;
import dev.sextant.models.BuiltIn;
import dev.sextant.models.Network;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A network with its parameters: what all who use it share. Immutable and safe for any number of threads; each takes a
 * {@link Predictor} of its own. Predictors that agree in device, shape and options share one compiled plan and its repacked
 * weights.
 */
public final class Model implements AutoCloseable {
    private final Network network;
    private final Parameters parameters;
    private final AutoCloseable source;
    private final Map<String, String> metadata;
    /** Of random parameters none until they are asked for. */
    private Ranges ranges;
    private final Map<Key, Shared> plans = new HashMap<>();
    private boolean isClosed;

    /** What a plan depends on. */
    private record Key(Device device, Shape shape, Precision precision, List<String> taps, boolean tuned, int step) {
        /** In place of a step's number. */
        static final int ALL = -1;
    }

    /** A plan and how many predictors use it. */
    private static final class Shared {
        final Plan plan;
        int users;

        Shared(Plan plan) {
            this.plan = plan;
        }
    }

    private Model(Network network, Parameters parameters, AutoCloseable source, Map<String, String> metadata, Ranges ranges) {
        this.network = network;
        this.parameters = parameters;
        this.source = source;
        this.metadata = metadata;
        this.ranges = ranges;
    }

    /**
     * Opens a safetensors file, also one compressed by gzip, or a PyTorch checkpoint ({@link Weights#open}). Its keys are PyTorch's; one
     * whose batch norms were folded into its convolutions is taken as it is.
     *
     * @throws IllegalArgumentException if the file's tensors are not the network's, with all that is missing, unexpected or of
     *     another shape
     * @throws IOException if the file cannot be read or is malformed
     */
    public static Model load(Network network, Path weights) throws IOException {
        var opened = Weights.open(weights);
        try {
            return of(network, opened);
        } catch (Throwable e) {
            opened.close();
            throw e;
        }
    }

    /**
     * Takes {@code weights} over: they are closed with the model.
     *
     * @throws IllegalArgumentException if they do not fit the network
     */
    public static Model of(Network network, Weights weights) {
        return new Model(network, Checkpoint.of(network, weights), weights, weights.metadata(),
            Ranges.of(weights.metadata(), weights.source()));
    }

    /**
     * The network with the weights that Sextant ships, trained by itself (the README says how): LeNet-5 on MNIST's digits, ResNet-20
     * on CIFAR-10.
     *
     * @throws IllegalArgumentException if none are built in for it, naming those that are
     */
    public static Model pretrained(Network network) {
        return of(network, BuiltIn.weights(network));
    }

    /**
     * Parameters made from {@code seed}, the same in every run, such that activations stay finite: for measuring and trying out.
     */
    public static Model random(Network network, long seed) {
        return new Model(network, new RandomParameters(seed), () -> { }, Map.of(), Ranges.NONE);
    }

    public Network network() {
        return network;
    }

    /**
     * The same parameters under a network of the same layers: with other labels, or other pictures. What is closed with either of the two is
     * closed for both.
     *
     * @throws IllegalArgumentException if its layers are others
     */
    public Model with(Network network) {
        if (!network.body().equals(this.network.body())) {
            throw new IllegalArgumentException("model: expects a network of the same layers as " + this.network + ", found " + network);
        }
        return new Model(network, parameters, source, metadata, ranges);
    }

    /** Its numbers, by key, as long as it is open. */
    public Parameters parameters() {
        return parameters;
    }

    /** A predictor for one image of the network's own size. */
    public Predictor predictor(Device device) {
        return predictor(device, Options.DEFAULT);
    }

    /**
     * Compiles the network for {@code device}, unless a predictor of the same options exists, and gives the plan memory to run
     * in.
     *
     * @throws IllegalArgumentException if the network cannot take an input of that shape or has no such stage to tap, or if its
     *     weights were not calibrated and the precision wants it
     * @throws IllegalStateException if the model or the device is closed
     * @throws UnsupportedOperationException if the device has not the instructions that the precision needs
     */
    public Predictor predictor(Device device, Options options) {
        return predictor(device, options, Key.ALL);
    }

    /**
     * One step of what {@link #predictor(Device, Options)} compiles, by itself, on memory laid out as for the whole: for
     * measuring a kernel. What it reads is zeros unless it reads the input, and only the last step's result comes out.
     *
     * @param step index in {@link Predictor#steps}
     */
    public Predictor step(Device device, Options options, int step) {
        if (step < 0) throw new IllegalArgumentException("step: expects an index from 0, found " + step);
        return predictor(device, options, step);
    }

    private Predictor predictor(Device device, Options options, int step) {
        var shape = options.shape() == null ? network.input().prepend(1) : options.shape();
        if (shape.rank() != 4 || shape.elements() == 0 || shape.dim(1) != network.input().dim(0)) {
            throw new IllegalArgumentException("predictor: " + network.name() + " expects an input of shape n x "
                + network.input().dim(0) + " x h x w, found " + shape);
        }
        var key = new Key(device, shape, options.precision(), options.taps(), options.tuned(), step);
        synchronized (plans) {
            if (isClosed) throw new IllegalStateException("predictor: the model is closed");
            device.requireOpen();
            options.precision().requireOn(device.info());
            var shared = plans.get(key);
            if (shared == null) {
                shared = new Shared(compile(key));
                plans.put(key, shared);
            }
            shared.users++;
            try {
                return new Predictor(shared.plan, shape, options.resident(), () -> release(key));
            } catch (Throwable e) {
                release(key);
                throw e;
            }
        }
    }

    /** A look at what its values hold, {@code batch} images at a time; to be closed before the model. */
    public Calibration calibration(Device device, int batch) {
        return new Calibration(this, device, batch);
    }

    /**
     * The network on inputs of {@code shape}, n c h w, before any pass, as its parameters want it.
     *
     * @throws IllegalArgumentException if inputs of that shape ask for other parameters
     */
    public Graph trace(Shape shape) {
        var graph = Graph.of(network.body(), shape);
        if (!(parameters instanceof Checkpoint checkpoint)) return graph;
        graph = checkpoint.adopt(graph);
        checkpoint.requireFits(graph, network);
        return graph;
    }

    /** The notes that came with its weights. */
    Map<String, String> metadata() {
        return metadata;
    }

    private Plan compile(Key key) {
        var graph = trace(key.shape());
        var compiled = graph.tapping(key.taps()).through(passes(key, graph));
        var tuning = key.tuned() ? new Tuning(key.device(), compiled, SextantLibrary.cache()) : null;
        var plan = new Plan(key.device(), key.step() == Key.ALL ? compiled : compiled.only(key.step()), parameters, key.precision(),
            tuning);
        // The plan has its own, repacked copy.
        if (parameters instanceof Checkpoint checkpoint) checkpoint.unload();
        return plan;
    }

    private List<Pass> passes(Key key, Graph traced) {
        var info = key.device().info();
        // A GPU wants as much work at a time as there is.
        long cacheBytes = info.kind() == Device.Kind.CUDA ? Long.MAX_VALUE : SubBatches.cacheBytes(info.threads());
        var format = key.precision().format();
        return switch (key.precision()) {
            case FP32, STRICT -> Pass.inference(info.order(), cacheBytes);
            case TF32, BF16, FP16 -> Pass.inference(info.order(), cacheBytes, format, Map.of());
            case INT8 -> Pass.inference(info.order(), cacheBytes, format, ranges(key.device()).on(traced));
        };
    }

    /** Random parameters are looked at on random numbers: what they say is worth as little. */
    private Ranges ranges(Device device) {
        if (ranges.isEmpty() && parameters instanceof RandomParameters random) {
            try (var calibration = calibration(device, 1)) {
                calibration.observe(random.images(network.input().prepend(1)));
                ranges = calibration.ranges();
            }
        }
        if (ranges.isEmpty()) {
            throw new IllegalArgumentException("precision: int8 expects calibrated weights, these of " + network.name()
                + " have no ranges: make some with 'sextant calibrate'");
        }
        return ranges;
    }

    private void release(Key key) {
        synchronized (plans) {
            var shared = plans.get(key);
            if (--shared.users == 0) {
                plans.remove(key);
                shared.plan.close();
            }
        }
    }

    /**
     * Gives the parameters back. Closing twice does nothing.
     *
     * @throws IllegalStateException while predictors of it are open
     */
    @Override
    public void close() {
        synchronized (plans) {
            int open = plans.values().stream().mapToInt(shared -> shared.users).sum();
            if (open > 0) {
                throw new IllegalStateException("model: " + open + (open == 1 ? " predictor is" : " predictors are")
                    + " still open, close "
                    + (open == 1 ? "it" : "them") + " first");
            }
            if (isClosed) return;
            isClosed = true;
        }
        try {
            source.close();
        } catch (Exception e) {
            throw new IllegalStateException("model: closing its weights failed", e);
        }
    }

    @Override
    public String toString() {
        return network.toString();
    }
}
