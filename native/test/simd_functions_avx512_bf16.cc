// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"
#include "simd_functions.h"

namespace sextant::test {

using namespace avx512_bf16;

const narrow_functions narrow_avx512_bf16 = {
    [](const void* x, float* y) { store(y, load(static_cast<const bfloat16*>(x))); },
    [](const float* x, void* y) { store(static_cast<bfloat16*>(y), load(x)); },
    [](const void* x, float* y) { store(y, load(static_cast<const uint8_t*>(x))); },
    [](const float* x, void* y) { store(static_cast<uint8_t*>(y), load(x)); },
};

}  // namespace sextant::test
