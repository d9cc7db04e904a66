// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "pool2d/pool2d_backward.inl.h"

namespace sextant {
namespace avx512_bf16 {
namespace {

void read_row(const void* row, float* sums, int64_t count) {
    const bfloat16* const from = static_cast<const bfloat16*>(row);
    for (int64_t i = 0; i < count; i += lanes) store(sums + i, load(from + i));
}

void write_row(const float* sums, void* row, int64_t count) {
    bfloat16* const to = static_cast<bfloat16*>(row);
    for (int64_t i = 0; i < count; i += lanes) store(to + i, load(sums + i));
}

constexpr pool2d_backward_kernels from_f32 = pool2d_backward_table<bfloat16, float>(read_row, write_row),
                                  from_bf16 = pool2d_backward_table<bfloat16, bfloat16>(read_row, write_row);

}  // namespace
}  // namespace avx512_bf16

const pool2d_backward_kernels* const pool2d_backward_avx512_bf16[3] = {&avx512_bf16::from_f32, &avx512_bf16::from_bf16, nullptr};

}  // namespace sextant
