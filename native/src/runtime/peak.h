// SPDX-License-Identifier: Apache-2.0
// What a processor reaches at best, measured: the roofs of the roofline model (Williams, Waterman & Patterson, Roofline: an
// insightful visual performance model for multicore architectures, CACM 2009).
#pragma once
#include <cstdint>

#include "runtime/device.h"

namespace sextant {

/// The loops of one instruction set. Each result depends on all the arithmetic, so that none is left out.
struct peak_kernels {
    /// `rounds` rounds of `flops` operations each, in registers; null where the instruction set has no such operation.
    struct arithmetic {
        float (*run)(int rounds);
        int64_t flops;
    };
    arithmetic f32;
    arithmetic bf16;  // dot products of bfloat16 pairs, summed in float32
    arithmetic int8;  // dot products of four unsigned by four signed bytes, summed in int32
    /// Reads `count` floats, a multiple of 128, 64-byte aligned.
    float (*read)(const float* data, int64_t count);
};

extern const peak_kernels peak_avx512_bf16, peak_avx512, peak_avx2, peak_portable;

/// Takes about a fifth of a second of all of the device's threads, after what is running on it now.
sextant_device_peak measure_peak(device& device);

}  // namespace sextant
