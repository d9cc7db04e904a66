// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "reorder/reorder.inl.h"

namespace sextant {

using namespace avx512_bf16;

const reorder_kernels* const reorder_avx512_bf16[3][3] = {
    {nullptr, &reorder_table<float, bfloat16>, &reorder_table<float, uint8_t>},
    {&reorder_table<bfloat16, float>, nullptr, nullptr},
    {&reorder_table<uint8_t, float>, nullptr, &reorder_table<uint8_t, uint8_t>},
};
const reorder_kernels reorder_avx512_bf16_raw16 = reorder_table<raw16, raw16>;
const reorder_kernels reorder_avx512_bf16_raw8 = reorder_table<raw8, raw8>;

}  // namespace sextant
