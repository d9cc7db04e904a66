// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "conv2d/direct.inl.h"

namespace sextant {

constinit const direct_kernels direct_avx512 = avx512::direct_table();

}  // namespace sextant
