// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "simd_functions.inl.h"

namespace sextant::test {

const simd_functions simd_avx2 = avx2::functions("avx2", SEXTANT_ISA_AVX2);

}  // namespace sextant::test
