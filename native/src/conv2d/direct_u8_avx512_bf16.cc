// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "conv2d/direct.inl.h"

namespace sextant {

constinit const direct_kernels<u8_format> direct_u8_avx512_bf16 = avx512_bf16::direct_table<u8_format>();

}  // namespace sextant
