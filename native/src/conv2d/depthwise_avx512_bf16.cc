// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "conv2d/depthwise.inl.h"

namespace sextant {

constinit const depthwise_kernels depthwise_bf16_avx512_bf16 = avx512_bf16::depthwise_table<bfloat16>();
constinit const depthwise_kernels depthwise_u8_avx512_bf16 = avx512_bf16::depthwise_table<uint8_t>();

}  // namespace sextant
