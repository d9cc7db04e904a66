// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import dev.sextant.models.Networks;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Whole networks: one forward pass of a batch. With the peers on the class path, {@code -p engine=sextant,onnxruntime}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 3)
@Fork(1)
public class NetworkBenchmark {
    @Param({"alexnet", "vgg16", "googlenet", "resnet18", "resnet50", "densenet121", "lenet5"})
    public String network;

    @Param({"1", "16"})
    public int batch;

    @Param("2")
    public int cores;

    @Param("sextant")
    public String engine;

    private Engine.Session session;

    @Setup
    public void open() throws Exception {
        session = Engine.named(engine).open(Case.of(Networks.named(network), batch, cores));
    }

    @Benchmark
    public void forward() throws Exception {
        session.run();
    }

    @TearDown
    public void close() {
        session.close();
    }
}
