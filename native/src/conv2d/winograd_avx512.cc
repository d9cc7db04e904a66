// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "conv2d/winograd.inl.h"

namespace sextant {

constinit const winograd_kernels winograd4_avx512 = avx512::winograd_table<4, 3, float>();
constinit const winograd_kernels winograd2_avx512 = avx512::winograd_table<2, 3, float>();
constinit const winograd_kernels winograd2_5x5_avx512 = avx512::winograd_table<2, 5, float>();

}  // namespace sextant
