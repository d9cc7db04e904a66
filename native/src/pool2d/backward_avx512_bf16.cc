// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "pool2d/pool2d_backward.inl.h"

namespace sextant {
namespace avx512_bf16 {
namespace {

template <class From, class To>
void convert(const void* from, void* to, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes) store(static_cast<To*>(to) + i, load(static_cast<const From*>(from) + i));
}

template <class DiffDst>
constexpr pool2d_backward_kernels overlapping =
    pool2d_backward_table<bfloat16, DiffDst, float>(convert<bfloat16, float>, convert<float, bfloat16>);

template <class DiffDst>
constexpr pool2d_backward_kernels apart = pool2d_backward_table<bfloat16, DiffDst, bfloat16>();

}  // namespace
}  // namespace avx512_bf16

using namespace avx512_bf16;

const pool2d_backward_kernels* const pool2d_backward_avx512_bf16[3] = {&overlapping<float>, &overlapping<bfloat16>, nullptr};
const pool2d_backward_kernels* const pool2d_backward_apart_avx512_bf16[3] = {&apart<float>, &apart<bfloat16>, nullptr};

}  // namespace sextant
