// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "conv2d/direct.inl.h"

namespace sextant {

constinit const direct_kernels<f32_format> direct_avx2 = avx2::direct_table<f32_format>();

}  // namespace sextant
