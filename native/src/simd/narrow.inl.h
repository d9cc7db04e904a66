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

SEXTANT_INLINE vec load(const bfloat16* p) {
    const __m512i wide = _mm512_maskz_cvtepu16_epi32(every_lane, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return (vec)_mm512_maskz_slli_epi32(every_lane, wide, 16);
}

/// Rounded to nearest even; a NaN stays one, and what is below the smallest normal number becomes zero.
SEXTANT_INLINE void store(bfloat16* p, vec x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh((__m512)x));
}

/// 0 ... 255.
SEXTANT_INLINE vec load(const uint8_t* p) {
    return to_float((ivec)_mm512_maskz_cvtepu8_epi32(every_lane, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

/// Rounded to nearest even, then clamped to 0 ... 255; a NaN becomes 0.
SEXTANT_INLINE void store(uint8_t* p, vec x) {
    // Too large a number converts to the smallest int, which as an unsigned one is large again.
    const __m512i whole = _mm512_maskz_cvtps_epi32(every_lane, (__m512)max(x, vec{}));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtusepi32_epi8(every_lane, whole));
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
