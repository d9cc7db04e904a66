// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "batch_norm/batch_norm.inl.h"

namespace sextant {

using namespace avx512_bf16;

const batch_norm_kernels* const batch_norm_avx512_bf16[3][3] = {
    {nullptr, &batch_norm_table<float, bfloat16>, &batch_norm_table<float, uint8_t>},
    {&batch_norm_table<bfloat16, float>, &batch_norm_table<bfloat16, bfloat16>, nullptr},
    {&batch_norm_table<uint8_t, float>, nullptr, &batch_norm_table<uint8_t, uint8_t>},
};

}  // namespace sextant
