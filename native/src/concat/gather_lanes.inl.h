// SPDX-License-Identifier: Apache-2.0
// Copies channels between blocks whose boundaries do not coincide: each pixel's block of dst is put together from loads of the
// segments' lanes only, at addresses shifted so that they arrive in their new lanes. Raw elements are moved bit by bit; uint8_t
// stands for quantised numbers that come into another scale on the way.
#pragma once
#include <type_traits>

#include "concat/gather_lanes.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Element>
SEXTANT_INLINE vec gathered(vec x, const lane_segment& segment) {
    if constexpr (std::is_same_v<Element, uint8_t>) return x * segment.factor + segment.offset;
    else return x;
}

template <class Element>
void gather_lanes(const gather_run& a) {
    Element* dst = static_cast<Element*>(a.dst);
    if (a.count == 1 && a.segments->shift == 0 && a.segments->first == 0 && a.segments->last == lanes) {
        const lane_segment whole = *a.segments;
        const Element* src = static_cast<const Element*>(whole.src);
        for (int64_t x = 0; x < a.pixels; x++) store(dst + x * lanes, gathered<Element>(load(src + x * a.src_step), whole));
        return;
    }
    lane_mask masks[lanes];
    ivec own[lanes], claimed{};
    for (int i = 0; i < a.count; i++) {
        masks[i] = lanes_between(a.segments[i].first, a.segments[i].last);
        own[i] = (lane_numbers() >= a.segments[i].first) & (lane_numbers() < a.segments[i].last);
        claimed = claimed | own[i];
    }
    constexpr bool by_value = std::is_same_v<Element, uint8_t>;
    const ivec zero = by_value ? bits(broadcast(static_cast<float>(a.zero_point))) : ivec{} + a.zero_point;
    const ivec background = zero & ~claimed;
    for (int64_t x = 0; x < a.pixels; x++) {
        ivec block = background;
        for (int i = 0; i < a.count; i++) {
            const Element* src = static_cast<const Element*>(a.segments[i].src) + x * a.src_step + a.segments[i].shift;
            ivec part = bits(gathered<Element>(load_masked(src, masks[i]), a.segments[i]));
            if constexpr (by_value) part = part & own[i];
            block = block | part;
        }
        store(dst + x * lanes, from_bits(block));
    }
}

template <class Number>
void add_blocks(const void* src, void* dst, int64_t step, int64_t pixels) {
    const Number* from = static_cast<const Number*>(src);
    Number* to = static_cast<Number*>(dst);
    for (int64_t x = 0; x < pixels; x++, to += step) store(to, load(to) + load(from + x * lanes));
}

/// @tparam Element what is moved, @tparam Number what is added
template <class Element, class Number>
inline constexpr gather_kernels gather_table{lanes, sizeof(Element), gather_lanes<Element>, add_blocks<Number>};
template <class Element>
inline constexpr gather_kernels gather_only_table{lanes, sizeof(Element), gather_lanes<Element>, nullptr};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
