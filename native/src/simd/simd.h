// SPDX-License-Identifier: Apache-2.0
// One vector of channels, for kernels written once and compiled once per instruction set.
//
// A kernel's template lives in FOLDER/NAME.inl.h, inside `namespace sextant::SEXTANT_ISA_NAMESPACE`; FOLDER/NAME_avx512.cc,
// _avx2.cc and _portable.cc each define the namespace by including their isa_*.h and then the template. Everything such a file
// instantiates must sit in that namespace: a template shared between files that are compiled with different instruction sets
// would be merged by the linker, and an older processor would meet the wrong copy.
//
// vec is a vector of `lanes` floats, ivec one of as many ints, with the operators of GCC's vector extensions (also between a
// vector and a scalar; a comparison gives an ivec of 0 and -1): a zmm or a ymm register, or a pair of 128-bit ones. a * b + c
// contracts to one FMA where the instruction set has it (-ffp-contract=fast). Between vec and ivec use bits(), from_bits() and
// to_float(), not casts.
#pragma once
#ifndef SEXTANT_ISA_NAMESPACE
#error "include one of simd/isa_*.h"
#endif

#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define SEXTANT_INLINE static inline __attribute__((always_inline))

#if SEXTANT_LANES == 8 && !defined(__AVX__)
#include "simd/pair.inl.h"
#endif

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// Channels per block in this instruction set's layout.
inline constexpr int lanes = SEXTANT_LANES;

#if SEXTANT_LANES == 16 || defined(__AVX__)

typedef float vec __attribute__((vector_size(SEXTANT_LANES * 4)));
typedef float vec_unaligned __attribute__((vector_size(SEXTANT_LANES * 4), aligned(4)));
typedef int ivec __attribute__((vector_size(SEXTANT_LANES * 4)));

SEXTANT_INLINE vec load(const float* p) { return *reinterpret_cast<const vec*>(p); }
SEXTANT_INLINE vec load_unaligned(const float* p) { return *reinterpret_cast<const vec_unaligned*>(p); }
SEXTANT_INLINE void store(float* p, vec v) { *reinterpret_cast<vec*>(p) = v; }
SEXTANT_INLINE void store_unaligned(float* p, vec v) { *reinterpret_cast<vec_unaligned*>(p) = v; }

/// The same 32 bits in each lane.
SEXTANT_INLINE ivec bits(vec x) { return (ivec)x; }
SEXTANT_INLINE vec from_bits(ivec x) { return (vec)x; }
/// The same number in each lane.
SEXTANT_INLINE vec to_float(ivec x) { return __builtin_convertvector(x, vec); }

/// 0, 1, 2, ...
SEXTANT_INLINE ivec lane_numbers() {
    ivec numbers;
    for (int i = 0; i < lanes; i++) numbers[i] = i;
    return numbers;
}

/// condition ? a : b in each lane; a condition's lanes are 0 or -1.
SEXTANT_INLINE vec select(ivec condition, vec a, vec b) { return condition ? a : b; }

#if SEXTANT_LANES == 16
// GCC 12 warns that the unmasked forms of some intrinsics use something uninitialised; with this mask they become the same
// instructions.
inline constexpr __mmask16 every_lane = 0xffff;
SEXTANT_INLINE vec square_root(vec x) { return (vec)_mm512_maskz_sqrt_ps(every_lane, (__m512)x); }
#else
SEXTANT_INLINE vec square_root(vec x) { return (vec)_mm256_sqrt_ps((__m256)x); }
#endif

/// a > b ? a : b in each lane, as maxps has it: with a NaN on either side the second operand is the result.
SEXTANT_INLINE vec max(vec a, vec b) {
#if SEXTANT_LANES == 16
    return (vec)_mm512_maskz_max_ps(every_lane, (__m512)a, (__m512)b);
#else
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#endif
}

#endif  // one register; the same names for a pair: pair.inl.h

SEXTANT_INLINE vec broadcast(float x) { return x - vec{}; }

/// a < b ? a : b in each lane, as minps has it: with a NaN on either side the second operand is the result.
SEXTANT_INLINE vec min(vec a, vec b) { return -max(-a, -b); }

/// max(0, x); a NaN stays a NaN.
SEXTANT_INLINE vec relu(vec x) { return max(vec{}, x); }

/// The larger of the two; a NaN on either side makes the result a NaN, as in PyTorch's max pooling.
SEXTANT_INLINE vec max_or_nan(vec a, vec b) {
#if SEXTANT_LANES == 16
    return (vec)_mm512_mask_max_ps((__m512)a, _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_ORD_Q), (__m512)a, (__m512)b);
#else
    return from_bits(bits(max(a, b)) | (a != a));  // max gives b when a is a NaN; all bits set are a NaN too
#endif
}

/// Every other lane: a[0], a[2], ... then b[0], b[2], ...
SEXTANT_INLINE vec even_lanes(vec a, vec b) {
#if SEXTANT_LANES == 16
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
#elif defined(__AVX__)
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
#else
    return {__builtin_shufflevector(a.low, a.high, 0, 2, 4, 6), __builtin_shufflevector(b.low, b.high, 0, 2, 4, 6)};
#endif
}

/// And those between them: a[1], a[3], ... then b[1], b[3], ...
SEXTANT_INLINE vec odd_lanes(vec a, vec b) {
#if SEXTANT_LANES == 16
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif defined(__AVX__)
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    return {__builtin_shufflevector(a.low, a.high, 1, 3, 5, 7), __builtin_shufflevector(b.low, b.high, 1, 3, 5, 7)};
#endif
}

/// p[0], p[1], p[0], p[1], ...
SEXTANT_INLINE vec broadcast_pair(const float* p) {
#if SEXTANT_LANES == 16 || defined(__AVX__)
    typedef long long pairs __attribute__((vector_size(SEXTANT_LANES * 4)));
    typedef long long pair __attribute__((aligned(4), may_alias));
    return (vec)(*reinterpret_cast<const pair*>(p) - pairs{});
#else
    const vec4 pairs = {p[0], p[1], p[0], p[1]};
    return {pairs, pairs};
#endif
}

/// x in the first `count` lanes (any number), zero in the others, whatever they hold.
SEXTANT_INLINE vec first_lanes(vec x, int count) { return from_bits(bits(x) & (lane_numbers() < count)); }

/// The lanes first <= i < last, for loads and stores that touch the memory of these lanes only.
#if SEXTANT_LANES == 16
typedef __mmask16 lane_mask;
SEXTANT_INLINE lane_mask lanes_between(int first, int last) {
    return static_cast<lane_mask>((1u << (last < 16 ? last : 16)) - (1u << first));
}
/// Zero in the other lanes.
SEXTANT_INLINE vec load_masked(const float* p, lane_mask mask) { return (vec)_mm512_maskz_loadu_ps(mask, p); }
SEXTANT_INLINE void store_masked(float* p, vec v, lane_mask mask) { _mm512_mask_storeu_ps(p, mask, (__m512)v); }
#elif defined(__AVX__)
typedef __m256i lane_mask;
SEXTANT_INLINE lane_mask lanes_between(int first, int last) {
    return (__m256i)((lane_numbers() >= first) & (lane_numbers() < last));
}
SEXTANT_INLINE vec load_masked(const float* p, lane_mask mask) { return (vec)_mm256_maskload_ps(p, mask); }
SEXTANT_INLINE void store_masked(float* p, vec v, lane_mask mask) { _mm256_maskstore_ps(p, mask, (__m256)v); }
#else
struct lane_mask {
    int first, last;
};
SEXTANT_INLINE lane_mask lanes_between(int first, int last) { return {first, last < lanes ? last : lanes}; }
SEXTANT_INLINE vec load_masked(const float* p, lane_mask mask) {
    alignas(16) float values[lanes] = {};
    for (int i = mask.first; i < mask.last; i++) values[i] = p[i];
    return load(values);
}
SEXTANT_INLINE void store_masked(float* p, vec v, lane_mask mask) {
    alignas(16) float values[lanes];
    store(values, v);
    for (int i = mask.first; i < mask.last; i++) p[i] = values[i];
}
#endif
SEXTANT_INLINE lane_mask first_lanes_mask(int count) { return lanes_between(0, count); }

/// Stores past the caches, at an aligned address, what nobody reads soon: its line need not be fetched first. A thread that has
/// done so calls finish_streams() before others may look.
SEXTANT_INLINE void stream(float* p, vec v) {
#if SEXTANT_LANES == 16
    _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX__)
    _mm256_stream_ps(p, (__m256)v);
#else
    store(p, v);
#endif
}
SEXTANT_INLINE void finish_streams() {
#if defined(__AVX__)
    _mm_sfence();
#endif
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
