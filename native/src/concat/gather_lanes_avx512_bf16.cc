// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "concat/gather_lanes.inl.h"

namespace sextant {

const gather_kernels gather_avx512_bf16 = avx512_bf16::gather_table<raw16, bfloat16>;
const gather_kernels gather_avx512_bf16_u8 = avx512_bf16::gather_only_table<raw8>;
const gather_kernels gather_avx512_bf16_requantised = avx512_bf16::gather_only_table<uint8_t>;

}  // namespace sextant
