// SPDX-License-Identifier: Apache-2.0
// One vector of channels, for kernels written once and compiled once per instruction set.
//
// A kernel's template lives in FOLDER/NAME.inl.h, inside `namespace sextant::SEXTANT_ISA_NAMESPACE`; FOLDER/NAME_avx512.cc,
// _avx2.cc and _portable.cc each define the namespace by including their isa_*.h and then the template. Everything such a file
// instantiates must sit in that namespace: a template shared between files that are compiled with different instruction sets
// would be merged by the linker, and an older processor would meet the wrong copy.
//
// GCC and Clang lower these vector extensions to zmm, ymm or pairs of xmm registers; a * b + c contracts to one FMA where the
// instruction set has it (-ffp-contract=fast).
#pragma once
#ifndef SEXTANT_ISA_NAMESPACE
#error "include simd/isa_avx512.h, isa_avx2.h or isa_portable.h"
#endif

#ifdef __AVX__
#include <immintrin.h>
#endif

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// Channels per block in this instruction set's layout.
inline constexpr int lanes = SEXTANT_LANES;

typedef float vec __attribute__((vector_size(SEXTANT_LANES * 4)));
typedef float vec_unaligned __attribute__((vector_size(SEXTANT_LANES * 4), aligned(4)));
typedef int ivec __attribute__((vector_size(SEXTANT_LANES * 4)));

#define SEXTANT_INLINE static inline __attribute__((always_inline))

SEXTANT_INLINE vec load(const float* p) { return *reinterpret_cast<const vec*>(p); }
SEXTANT_INLINE vec load_unaligned(const float* p) { return *reinterpret_cast<const vec_unaligned*>(p); }
SEXTANT_INLINE void store(float* p, vec v) { *reinterpret_cast<vec*>(p) = v; }
SEXTANT_INLINE void store_unaligned(float* p, vec v) { *reinterpret_cast<vec_unaligned*>(p) = v; }
SEXTANT_INLINE vec broadcast(float x) { return x - vec{}; }
/// a > b ? a : b in each lane, as maxps has it: with a NaN on either side the second operand is the result.
SEXTANT_INLINE vec max(vec a, vec b) {
#if SEXTANT_LANES == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return a > b ? a : b;
#endif
}

/// max(0, x); a NaN stays a NaN.
SEXTANT_INLINE vec relu(vec x) { return max(vec{}, x); }

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
