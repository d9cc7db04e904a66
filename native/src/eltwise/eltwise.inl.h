// SPDX-License-Identifier: Apache-2.0
// Activation and addition over a run of elements, four vectors at a time: dst[i] = act(src[i] + other[i]).
// Bound by memory: two or three streams. Lanes past the last channel are treated like all others; they stay finite.
#pragma once
#include "eltwise/eltwise_lists.h"
#include "simd/activation.inl.h"
#include "simd/quantised.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Element>
SEXTANT_INLINE vec first_term(vec src, const eltwise_scales& by) {
    if constexpr (std::is_same_v<Element, uint8_t>) return src * by.src + by.shift;
    else return src;
}

template <class Element>
SEXTANT_INLINE vec sum_of(vec term, vec other, const eltwise_scales& by) {
    if constexpr (std::is_same_v<Element, uint8_t>) return other * by.other + term;
    else return term + other;
}

template <class Element, bool Add, class Activation>
SEXTANT_INLINE void eltwise_run(const Element* src, const Element* other, Element* dst, int64_t count, Activation act,
                                const eltwise_scales by) {
    constexpr int unroll = 4;
    int64_t i = 0;
    for (; i + unroll * lanes <= count; i += unroll * lanes) {
        vec x[unroll];
        for (int u = 0; u < unroll; u++) x[u] = first_term<Element>(load_unaligned(src + i + u * lanes), by);
        if constexpr (Add)
            for (int u = 0; u < unroll; u++) x[u] = sum_of<Element>(x[u], load_unaligned(other + i + u * lanes), by);
        for (int u = 0; u < unroll; u++) store_unaligned(dst + i + u * lanes, stored_of<Element>(act(x[u]), by.dst));
    }
    for (; i < count; i += lanes) {
        const lane_mask rest = first_lanes_mask(count - i < lanes ? static_cast<int>(count - i) : lanes);
        vec x = first_term<Element>(load_masked(src + i, rest), by);
        if constexpr (Add) x = sum_of<Element>(x, load_masked(other + i, rest), by);
        store_masked(dst + i, stored_of<Element>(act(x), by.dst), rest);
    }
}

template <class Element, int Function>
void eltwise(const void* src, const void* other, void* dst, int64_t count, const eltwise_scales& by) {
    const auto run = [&](auto add) __attribute__((always_inline)) {
        eltwise_run<Element, add>(static_cast<const Element*>(src), static_cast<const Element*>(other), static_cast<Element*>(dst),
                                  count, activation<Function>{}, by);
    };
    if (other) run(std::true_type{});
    else run(std::false_type{});
}

template <class Element>
inline constexpr eltwise_kernels eltwise_table{{eltwise<Element, SEXTANT_IDENTITY>, eltwise<Element, SEXTANT_RELU>,
                                                eltwise<Element, SEXTANT_TANH>, eltwise<Element, SEXTANT_SIGMOID>}};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
