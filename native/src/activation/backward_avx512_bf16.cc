// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "activation/backward.inl.h"

namespace sextant {

const activation_backward_kernels activation_backward_avx512_bf16 = avx512_bf16::activation_backward_table<bfloat16>;

}  // namespace sextant
