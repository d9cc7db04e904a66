// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "conv2d/depthwise.inl.h"

namespace sextant {

constinit const depthwise_kernels depthwise_avx2 = avx2::depthwise_table<float>();

}  // namespace sextant
