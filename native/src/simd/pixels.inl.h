// SPDX-License-Identifier: Apache-2.0
// The channel blocks of one pixel or two neighbouring ones in vectors, for streams that ask only which number belongs to which
// channel. Two pixels of bf16 are 32 pairs of halves: the even channels are a shift away from floats and the odd ones a mask,
// half of what it takes to widen one pixel after the other. A file for bf16 includes simd/narrow.inl.h first.
//
//   const per_channel<Element> scale(load(scales));
//   auto x = load_pixels<2>(p);   for (int i = 0; i < 2; i++) x.of[i] *= scale.template as<2>().of[i];
#pragma once
#include "simd/bfloat16.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <int Count>
struct pixels {
    vec of[Count];
};

/// How two pixels lie in two vectors: one in each.
template <class Element>
struct pixel_pair {
    SEXTANT_INLINE pixels<2> load_two(const Element* p) { return {{load(p), load(p + lanes)}}; }
    SEXTANT_INLINE void store_two(Element* p, const pixels<2>& x) {
        store(p, x.of[0]);
        store(p + lanes, x.of[1]);
    }
    /// A number for each channel beside both pixels'.
    SEXTANT_INLINE pixels<2> twice(vec x) { return {{x, x}}; }
    /// For each channel the sum of both pixels'.
    SEXTANT_INLINE vec sum(const pixels<2>& x) { return x.of[0] + x.of[1]; }
};

#if defined(__AVX512BF16__)
/// Their even channels in one, the odd ones in the other.
template <>
struct pixel_pair<bfloat16> {
    SEXTANT_INLINE pixels<2> load_two(const bfloat16* p) {
        const ivec x = (ivec)_mm512_loadu_si512(p);
        return {{from_bits(x << 16), from_bits(x & static_cast<int>(0xffff0000))}};
    }
    SEXTANT_INLINE void store_two(bfloat16* p, const pixels<2>& x) {
        typedef short halves __attribute__((vector_size(64)));
        const halves apart = (halves)_mm512_cvtne2ps_pbh((__m512)x.of[1], (__m512)x.of[0]);
        const halves together = __builtin_shufflevector(apart, apart, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8,
                                                        24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        _mm512_storeu_si512(p, (__m512i)together);
    }
    SEXTANT_INLINE pixels<2> twice(vec x) { return {{even_lanes(x, x), odd_lanes(x, x)}}; }
    SEXTANT_INLINE vec sum(const pixels<2>& x) {
        const vec even = x.of[0], odd = x.of[1];
        return __builtin_shufflevector(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23) +
               __builtin_shufflevector(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
};
#endif

/// `Count` pixels, 1 or 2.
template <int Count, class Element>
SEXTANT_INLINE pixels<Count> load_pixels(const Element* p) {
    if constexpr (Count == 2) return pixel_pair<Element>::load_two(p);
    else return {{load(p)}};
}
template <class Element, int Count>
SEXTANT_INLINE void store_pixels(Element* p, const pixels<Count>& x) {
    if constexpr (Count == 2) pixel_pair<Element>::store_two(p, x);
    else store(p, x.of[0]);
}

/// A number for each channel of a block, beside those of one pixel or of two.
template <class Element>
class per_channel {
  public:
    explicit __attribute__((always_inline)) per_channel(vec x) : one_{{x}}, two_(pixel_pair<Element>::twice(x)) {}
    template <int Count>
    __attribute__((always_inline)) const pixels<Count>& as() const {
        if constexpr (Count == 2) return two_;
        else return one_;
    }

  private:
    const pixels<1> one_;
    const pixels<2> two_;
};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
