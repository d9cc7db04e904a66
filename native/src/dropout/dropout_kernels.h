// SPDX-License-Identifier: Apache-2.0
// The kernels of dropout, one for each instruction set.
#pragma once
#include <cstdint>

namespace sextant {

/// dst = src * scale or 0 for `count` elements at any addresses, the first of which is element `first` of the tensor: see mask.h.
struct dropout_run {
    const float* src;
    float* dst;
    int64_t first, count;
    uint32_t threshold;
    float scale;
    uint32_t stream, step_low, step_high;  // step_high in the upper 24 bits
    uint32_t key[2];
};

using dropout_kernel = void(const dropout_run&);

extern dropout_kernel* const dropout_avx512;
extern dropout_kernel* const dropout_avx2;
extern dropout_kernel* const dropout_portable;

}  // namespace sextant
