// SPDX-License-Identifier: Apache-2.0
// Vectors of floats in and out of memory that holds narrower elements (AVX512_BF16), so that a template may say load(p) and
// store(p, x) whatever p points to. A pixel's block of 16 channels is 32 bytes of bf16 or 16 of uint8: addresses need no more.
//
// A quantised tensor's stored numbers are loaded and stored as they are; its scale and zero point are the caller's, who can
// often fold them into something else.
#pragma once
#include "simd/bfloat16.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

SEXTANT_INLINE vec widened(const bfloat16*, __m256i x) {
    return (vec)_mm512_maskz_slli_epi32(every_lane, _mm512_maskz_cvtepu16_epi32(every_lane, x), 16);
}
/// Rounded to nearest even; a NaN stays one, and what is below the smallest normal number becomes zero.
SEXTANT_INLINE __m256i narrowed(const bfloat16*, vec x) { return (__m256i)_mm512_cvtneps_pbh((__m512)x); }

/// 0 ... 255.
SEXTANT_INLINE vec widened(const uint8_t*, __m128i x) { return to_float((ivec)_mm512_maskz_cvtepu8_epi32(every_lane, x)); }
/// Rounded to nearest even, then clamped to 255; x >= 0.
SEXTANT_INLINE __m128i narrowed_not_negative(vec x) {
    // Too large a number converts to the smallest int, which as an unsigned one is large again.
    return _mm512_maskz_cvtusepi32_epi8(every_lane, _mm512_maskz_cvtps_epi32(every_lane, (__m512)x));
}
/// Rounded to nearest even, then clamped to 0 ... 255; a NaN becomes 0.
SEXTANT_INLINE __m128i narrowed(const uint8_t*, vec x) { return narrowed_not_negative(max(x, vec{})); }

/// The elements' bits, zero-extended, in lanes that only moves and logic may touch.
SEXTANT_INLINE vec widened(const raw16*, __m256i x) { return (vec)_mm512_maskz_cvtepu16_epi32(every_lane, x); }
SEXTANT_INLINE __m256i narrowed(const raw16*, vec x) { return _mm512_maskz_cvtepi32_epi16(every_lane, (__m512i)x); }
SEXTANT_INLINE vec widened(const raw8*, __m128i x) { return (vec)_mm512_maskz_cvtepu8_epi32(every_lane, x); }
SEXTANT_INLINE __m128i narrowed(const raw8*, vec x) { return _mm512_maskz_cvtepi32_epi8(every_lane, (__m512i)x); }

template <class Narrow>
SEXTANT_INLINE vec load(const Narrow* p) {
    if constexpr (sizeof(Narrow) == 2) return widened(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    else return widened(p, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
template <class Narrow>
SEXTANT_INLINE void store(Narrow* p, vec x) {
    if constexpr (sizeof(Narrow) == 2) _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrowed(p, x));
    else _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrowed(p, x));
}

// They mind no alignment.
template <class Narrow>
SEXTANT_INLINE vec load_unaligned(const Narrow* p) { return load(p); }
template <class Narrow>
SEXTANT_INLINE void store_unaligned(Narrow* p, vec x) { store(p, x); }

/// As for floats: the memory of the mask's lanes only; the others are stored zeros, widened.
template <class Narrow>
SEXTANT_INLINE vec load_masked(const Narrow* p, lane_mask mask) {
    if constexpr (sizeof(Narrow) == 2) return widened(p, _mm256_maskz_loadu_epi16(mask, p));
    else return widened(p, _mm_maskz_loadu_epi8(mask, p));
}
template <class Narrow>
SEXTANT_INLINE void store_masked(Narrow* p, vec x, lane_mask mask) {
    if constexpr (sizeof(Narrow) == 2) _mm256_mask_storeu_epi16(p, mask, narrowed(p, x));
    else _mm_mask_storeu_epi8(p, mask, narrowed(p, x));
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
