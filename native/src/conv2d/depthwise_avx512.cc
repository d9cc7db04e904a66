// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "conv2d/depthwise.inl.h"

namespace sextant {

constinit const depthwise_kernels depthwise_avx512 = avx512::depthwise_table<float>();

}  // namespace sextant
