// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "conv2d/direct.inl.h"

namespace sextant {

constinit const direct_kernels<f32_format> direct_avx512 = avx512::direct_table<f32_format>();

}  // namespace sextant
