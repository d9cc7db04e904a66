// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "conv2d/direct.inl.h"

namespace sextant {

constinit const direct_kernels<bf16_format> direct_bf16_avx512_bf16 = avx512_bf16::direct_table<bf16_format>();

}  // namespace sextant
