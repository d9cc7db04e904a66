// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "dropout/dropout.inl.h"

namespace sextant {

const dropout_kernels dropout_avx512_bf16 = avx512_bf16::dropout_table<bfloat16>;

}  // namespace sextant
