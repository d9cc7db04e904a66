// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "conv2d/winograd.inl.h"

namespace sextant {

constinit const winograd_kernels winograd4_avx2 = avx2::winograd_table<4, 3, float>();
constinit const winograd_kernels winograd2_5x5_avx2 = avx2::winograd_table<2, 5, float>();

}  // namespace sextant
