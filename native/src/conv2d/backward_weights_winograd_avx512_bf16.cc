// SPDX-License-Identifier: Apache-2.0
// bf16 in memory only: what lies between is float32, and so the products are AVX-512's.
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "conv2d/backward_weights_winograd.inl.h"

namespace sextant {

constinit const backward_weights_winograd_kernels backward_weights_winograd4_avx512_bf16 =
    avx512_bf16::backward_weights_winograd_table<4, 3, bfloat16>(winograd4_avx512_bf16, backward_weights_direct_avx512);
constinit const backward_weights_winograd_kernels backward_weights_winograd2_5x5_avx512_bf16 =
    avx512_bf16::backward_weights_winograd_table<2, 5, bfloat16>(winograd2_5x5_avx512_bf16, backward_weights_direct_avx512);

}  // namespace sextant
