// SPDX-License-Identifier: Apache-2.0
// The multiply-add of each format: sum[lane] += sum over the format's channels j of pixel[j] * weights[lane][j].
//
//   f32   vfmadd     one channel
//   bf16  vdpbf16ps  two: exact products, added to float32 sums that are rounded to nearest even
//   u8    vpdpbusd   four: unsigned pixels, signed weights, exact int32 sums
#pragma once
#include "simd/formats.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Format>
struct product;

template <>
struct product<f32_format> {
    using sums = vec;
    using factor = vec;
    SEXTANT_INLINE factor pixel(const float* p) { return broadcast(*p); }
    SEXTANT_INLINE factor weights(const float* p) { return load(p); }
    SEXTANT_INLINE sums load_sums(const float* p) { return load(p); }
    SEXTANT_INLINE void store_sums(float* p, sums x) { store(p, x); }
    SEXTANT_INLINE void add(sums& sum, factor pixel, factor weights) { sum += pixel * weights; }
};

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)

/// Four bytes in each lane.
SEXTANT_INLINE ivec broadcast_four_bytes(const void* p) {
    int four;
    __builtin_memcpy(&four, p, 4);
    return four - ivec{};
}

template <>
struct product<bf16_format> {
    using sums = vec;
    using factor = ivec;
    SEXTANT_INLINE factor pixel(const bfloat16* p) { return broadcast_four_bytes(p); }
    SEXTANT_INLINE factor weights(const bfloat16* p) { return *reinterpret_cast<const ivec*>(p); }
    SEXTANT_INLINE sums load_sums(const float* p) { return load(p); }
    SEXTANT_INLINE void store_sums(float* p, sums x) { store(p, x); }
    SEXTANT_INLINE void add(sums& sum, factor pixel, factor weights) {
        sum = (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)pixel, (__m512bh)weights);
    }
};

template <>
struct product<u8_format> {
    using sums = ivec;
    using factor = ivec;
    SEXTANT_INLINE factor pixel(const uint8_t* p) { return broadcast_four_bytes(p); }
    SEXTANT_INLINE factor weights(const int8_t* p) { return *reinterpret_cast<const ivec*>(p); }
    SEXTANT_INLINE sums load_sums(const int32_t* p) { return *reinterpret_cast<const ivec*>(p); }
    SEXTANT_INLINE void store_sums(int32_t* p, sums x) { *reinterpret_cast<ivec*>(p) = x; }
    SEXTANT_INLINE void add(sums& sum, factor pixel, factor weights) {
        sum = (ivec)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)pixel, (__m512i)weights);
    }
};

#endif

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
