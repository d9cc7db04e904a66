// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.bindings.sextant_h;
import dev.sextant.graph.Format;
import dev.sextant.graph.Storage.Order;
import dev.sextant.train.Optimizer;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What a device is, and what is said where there is none. */
class DeviceTest {
    private static final Device.Info CPU = new Device.Info("cpu", Device.Kind.CPU, "avx512", Order.NCHW16C, 2, 2, "A Processor", 0);
    private static final Device.Info GPU = new Device.Info("cuda:0", Device.Kind.CUDA, "sm_90", Order.NHWC, 1, 132, "A GPU", 1L << 37);
    private static final Pattern MISSING = Pattern.compile("libsextant_cuda\\.so|NVIDIA driver");

    @Test
    void aMachineWithoutGpuSaysWhatIsMissing() {
        assumeTrue(hasNoGpu(), "there is a GPU");
        for (Runnable opening : List.<Runnable>of(Device::cuda, () -> Device.cuda(0), Device::cudaCount)) {
            var message = assertThrows(DeviceException.class, opening::run).getMessage();
            assertTrue(message.startsWith("cuda: ") && MISSING.matcher(message).find(), message);
        }
    }

    private static boolean hasNoGpu() {
        try {
            return Device.cudaCount() == 0;
        } catch (DeviceException _) {
            return true;
        }
    }

    @Test
    void processors() {
        try (var device = Device.cpu(1)) {
            assertEquals("cpu", device.info().name());
            assertEquals(Device.Kind.CPU, device.info().kind());
            assertEquals(0, device.info().memory());
            assertTrue(device.info().order().hasPlanes());
            assertTrue(device.toString().startsWith("cpu "), device.toString());
        }
    }

    @Test
    void javasConstantsAreTheHeaders() {
        assertEquals(List.of(sextant_h.SEXTANT_F32(), sextant_h.SEXTANT_BF16(), sextant_h.SEXTANT_U8(), sextant_h.SEXTANT_F16(),
            sextant_h.SEXTANT_TF32()), List.of(Format.Kind.F32, Format.Kind.BF16, Format.Kind.U8, Format.Kind.F16, Format.Kind.TF32)
                .stream().map(Enum::ordinal).toList());
        assertEquals(List.of(sextant_h.SEXTANT_NCHW(), sextant_h.SEXTANT_NHWC(), sextant_h.SEXTANT_NCHW8C(), sextant_h.SEXTANT_NCHW16C()),
            List.of(Order.NCHW, Order.NHWC, Order.NCHW8C, Order.NCHW16C).stream().map(Order::code).toList());
        assertEquals(List.of(sextant_h.SEXTANT_CPU(), sextant_h.SEXTANT_CUDA()),
            List.of(Device.Kind.CPU, Device.Kind.CUDA).stream().map(Enum::ordinal).toList());
    }

    @Test
    void precisionsThatADeviceHasNotAreRefused() {
        for (var precision : List.of(Precision.FP32, Precision.STRICT, Precision.TF32, Precision.BF16, Precision.FP16)) {
            assertDoesNotThrow(() -> precision.requireOn(GPU));
        }
        assertEquals("precision: int8 needs a processor with AVX512_BF16 and AVX512_VNNI, A GPU computes in fp32, strict, tf32, bf16 or fp16",
            refusal(Precision.INT8, GPU));
        for (var precision : List.of(Precision.TF32, Precision.FP16)) {
            assertEquals("precision: " + precision + " needs a CUDA device, this is a processor", refusal(precision, CPU));
        }
        assertEquals("precision: bf16 needs a processor with AVX512_BF16 and AVX512_VNNI, this one has avx512", refusal(Precision.BF16, CPU));
        assertThrows(IllegalArgumentException.class, () -> Trainer.Options.of(1, Optimizer.Sgd.of(0, 0)).withPrecision(Precision.FP16));
    }

    private static String refusal(Precision precision, Device.Info device) {
        return assertThrows(UnsupportedOperationException.class, () -> precision.requireOn(device)).getMessage();
    }
}
