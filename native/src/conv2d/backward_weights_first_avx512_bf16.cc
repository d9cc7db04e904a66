// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "conv2d/backward_weights_first.inl.h"

namespace sextant {

constinit const backward_weights_first_kernels backward_weights_first_avx512_bf16 =
    avx512_bf16::backward_weights_first_table<bfloat16>();

}  // namespace sextant
