// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "lrn/lrn_backward.inl.h"

namespace sextant {

const lrn_backward_kernels lrn_backward_avx512_bf16 = avx512_bf16::lrn_backward_table<bfloat16>;

}  // namespace sextant
