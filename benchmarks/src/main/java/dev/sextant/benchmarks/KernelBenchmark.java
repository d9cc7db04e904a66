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

/**
 * One kernel on one of a network's own shapes. {@link Kernels} runs it over all of them; by itself it takes
 * {@code -p network=resnet50 -p layer=layer1.0.conv2}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
public class KernelBenchmark {
    @Param("resnet50")
    public String network;

    @Param("layer1.0.conv2")
    public String layer;

    @Param("1")
    public int batch;

    @Param("2")
    public int cores;

    @Param("sextant")
    public String engine;

    private Engine.Session session;

    @Setup
    public void open() throws Exception {
        session = Engine.named(engine).openLayer(Case.of(Networks.named(network), batch, cores), layer);
    }

    @Benchmark
    public void run() throws Exception {
        session.run();
    }

    @TearDown
    public void close() {
        session.close();
    }
}
