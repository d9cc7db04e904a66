// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "conv2d/first.inl.h"

namespace sextant {

constinit const first_kernels first_to_bf16_avx512_bf16 = avx512_bf16::first_table<bfloat16>();
constinit const first_kernels first_to_u8_avx512_bf16 = avx512_bf16::first_table<uint8_t>();

}  // namespace sextant
