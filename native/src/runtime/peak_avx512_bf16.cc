// SPDX-License-Identifier: Apache-2.0
// The chains of peak.inl.h with the two dot products: x[i] += sum over 2 of a * b in bfloat16, over 4 of a * b in bytes.
#include "simd/isa_avx512_bf16.h"

#include "runtime/peak.inl.h"

namespace sextant {
namespace avx512_bf16 {
namespace {

float bf16_dots(int rounds) {
    // Neighbours in a pipe differ, see peak.inl.h: 1.5 and -1.5 by 1.328 and 0.664, and the other way round.
    const __m512bh a[] = {(__m512bh)(ivec{} + 0x3fc0bfc0), (__m512bh)(ivec{} + static_cast<int>(0xbfc03fc0))};
    const auto b = (__m512bh)(ivec{} + 0x3faa3f2a);
    return run_chains<vec>(
        rounds, [](int i) { return broadcast(static_cast<float>(i)); },
        [&](vec x, int i) __attribute__((always_inline)) { return (vec)_mm512_dpbf16_ps((__m512)x, a[i % 2], b); },
        [](vec x) { return sum_of_lanes(x); });
}

float int8_dots(int rounds) {
    const __m512i a[] = {(__m512i)(ivec{} + 0x55aa33cc), (__m512i)(ivec{} + 0x2ad5714e)};
    const auto b = (__m512i)(ivec{} + 0x5b3ca516);
    return run_chains<ivec>(
        rounds, [](int i) { return ivec{} + i; },
        [&](ivec x, int i) __attribute__((always_inline)) { return (ivec)_mm512_dpbusd_epi32((__m512i)x, a[i % 2], b); },
        [](ivec x) { return sum_of_lanes(to_float(x)); });
}

}  // namespace
}  // namespace avx512_bf16

const peak_kernels peak_avx512_bf16 = {avx512_bf16::peak_f32,
                                       {avx512_bf16::bf16_dots, avx512_bf16::peak_round(4)},
                                       {avx512_bf16::int8_dots, avx512_bf16::peak_round(8)},
                                       avx512_bf16::read_through};

}  // namespace sextant
