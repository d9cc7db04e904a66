// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "pool2d/pool2d.inl.h"

namespace sextant {
namespace avx512_bf16 {
namespace {

typedef uint8_t bytes __attribute__((vector_size(16)));

struct maximum_of_bytes {
    static constexpr bool repeats_matter = false;
    SEXTANT_INLINE bytes combine(bytes a, bytes b) { return (bytes)_mm_max_epu8((__m128i)a, (__m128i)b); }
};

/// Sixteen stored numbers as they are; for maxima only.
struct as_stored {
    using source = uint8_t;
    using result = uint8_t;
    explicit as_stored(const pool2d_row&) {}
    template <class Reduction>
    SEXTANT_INLINE bytes start() {
        return bytes{};
    }
    __attribute__((always_inline)) bytes read(const uint8_t* x) const {
        return (bytes)_mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
    }
    template <class Reduction>
    SEXTANT_INLINE void write(uint8_t* dst, bytes x, float, int, const pool2d_row&) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), (__m128i)x);
    }
};

typedef uint16_t shorts __attribute__((vector_size(32)));

struct mean_of_bytes : mean {
    SEXTANT_INLINE shorts combine(shorts a, shorts b) { return a + b; }
};

/// Sixteen stored numbers in 16 bits each, which hold the sums of pool2d_stored_taps; for averages only.
template <class Dst>
struct in_16_bits {
    using source = uint8_t;
    using result = Dst;
    explicit in_16_bits(const pool2d_row&) {}
    template <class Reduction>
    SEXTANT_INLINE shorts start() {
        return shorts{};
    }
    __attribute__((always_inline)) shorts read(const uint8_t* x) const {
        return (shorts)_mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    }
    template <class Reduction>
    SEXTANT_INLINE void write(Dst* dst, shorts x, float factor, int taps, const pool2d_row& a) {
        const vec sum = to_float((ivec)_mm512_maskz_cvtepu16_epi32(every_lane, (__m256i)x));
        as_it_is<uint8_t, Dst>::template write<Reduction>(dst, sum, factor, taps, a);
    }
};

template <class Dst>
constexpr pool2d_kernels table_from_u8() {
    pool2d_kernels kernels = pool2d_table<uint8_t, Dst>();
    kernels.average_of_stored = blocked_kernels<mean_of_bytes, in_16_bits<Dst>>;
    if constexpr (std::is_same_v<Dst, uint8_t>) kernels.max_of_stored = blocked_kernels<maximum_of_bytes, as_stored>;
    return kernels;
}

constexpr pool2d_kernels bf16_to_f32 = pool2d_table<bfloat16, float>(), bf16_to_bf16 = pool2d_table<bfloat16, bfloat16>(),
                         u8_to_f32 = table_from_u8<float>(), u8_to_u8 = table_from_u8<uint8_t>();

}  // namespace
}  // namespace avx512_bf16

using namespace avx512_bf16;

const pool2d_kernels* const pool2d_avx512_bf16[3][3] = {
    {nullptr, nullptr, nullptr},
    {&bf16_to_f32, &bf16_to_bf16, nullptr},
    {&u8_to_f32, nullptr, &u8_to_u8},
};

}  // namespace sextant
