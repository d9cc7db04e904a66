// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "linear/kernels.inl.h"

namespace sextant {

constinit const linear_kernels<f32_format> linear_to_narrow_avx512_bf16 = avx512_bf16::linear_table<f32_format>(true);
constinit const linear_kernels<bf16_format> linear_bf16_avx512_bf16 = avx512_bf16::linear_table<bf16_format>();
constinit const linear_kernels<u8_format> linear_u8_avx512_bf16 = avx512_bf16::linear_table<u8_format>();

}  // namespace sextant
