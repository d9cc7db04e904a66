// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "lrn/lrn.inl.h"

namespace sextant {
namespace avx512_bf16 {
namespace {

constexpr lrn_kernels bf16_to_f32 = lrn_table<bfloat16, float>(), bf16_to_bf16 = lrn_table<bfloat16, bfloat16>(),
                      u8_to_f32 = lrn_table<uint8_t, float>(), u8_to_u8 = lrn_table<uint8_t, uint8_t>();

}  // namespace
}  // namespace avx512_bf16

using namespace avx512_bf16;

const lrn_kernels* const lrn_avx512_bf16[3][3] = {
    {nullptr, nullptr, nullptr},
    {&bf16_to_f32, &bf16_to_bf16, nullptr},
    {&u8_to_f32, nullptr, &u8_to_u8},
};

}  // namespace sextant
