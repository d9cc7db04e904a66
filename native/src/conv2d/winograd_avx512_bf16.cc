// SPDX-License-Identifier: Apache-2.0
// bf16 in memory only: transforms and products are the float32 ones, whose errors would be too large in bf16.
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "conv2d/winograd.inl.h"

namespace sextant {

constinit const winograd_kernels winograd4_avx512_bf16 = avx512_bf16::winograd_table<4, 3, bfloat16>();
constinit const winograd_kernels winograd2_avx512_bf16 = avx512_bf16::winograd_table<2, 3, bfloat16>();
constinit const winograd_kernels winograd2_5x5_avx512_bf16 = avx512_bf16::winograd_table<2, 5, bfloat16>();

}  // namespace sextant
