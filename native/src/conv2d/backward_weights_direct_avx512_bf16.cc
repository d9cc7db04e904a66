// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "conv2d/backward_weights_direct.inl.h"

namespace sextant {

constinit const backward_weights_direct_kernels<bf16_format> backward_weights_direct_avx512_bf16 =
    avx512_bf16::backward_weights_direct_table<bf16_format>();

}  // namespace sextant
