// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "eltwise/eltwise.inl.h"

namespace sextant {

const eltwise_kernels eltwise_avx512_bf16 = avx512_bf16::eltwise_table<bfloat16>;
const eltwise_kernels eltwise_avx512_bf16_u8 = avx512_bf16::eltwise_table<uint8_t>;

}  // namespace sextant
