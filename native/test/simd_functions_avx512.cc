// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "simd_functions.inl.h"

namespace sextant::test {

const simd_functions simd_avx512 = avx512::functions("avx512", SEXTANT_ISA_AVX512);

}  // namespace sextant::test
