// SPDX-License-Identifier: Apache-2.0
// The gradient of an activation function over a run of elements, told by its result y: relu' = y > 0, tanh' = 1 - y^2,
// sigmoid' = y (1 - y), and 1 for the identity. Bound by memory: two or three streams, four vectors at a time. Lanes past the
// last channel are treated like all others; they stay finite.
#pragma once
#include "activation/backward_kernels.h"
#include "sextant/sextant.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <int Function>
SEXTANT_INLINE vec times_slope(vec g, vec y) {
    if constexpr (Function == SEXTANT_RELU) return select(y > 0.0f, g, vec{});
    else if constexpr (Function == SEXTANT_TANH) return g - g * y * y;
    else if constexpr (Function == SEXTANT_SIGMOID) return g * (y - y * y);
    else return g;
}

template <class Element, int Function, bool Accumulate>
static void activation_backward(const void* dst_run, const void* diff_dst_run, void* diff_src_run, int64_t count) {
    const Element* const dst = static_cast<const Element*>(dst_run);
    const Element* const diff_dst = static_cast<const Element*>(diff_dst_run);
    Element* const diff_src = static_cast<Element*>(diff_src_run);
    constexpr int unroll = 4;
    constexpr bool reads_dst = Function != SEXTANT_IDENTITY;
    const auto value = [&](int64_t i, auto read) __attribute__((always_inline)) {
        const vec x = times_slope<Function>(read(diff_dst + i), reads_dst ? read(dst + i) : vec{});
        return Accumulate ? read(diff_src + i) + x : x;
    };
    const auto whole = [](const Element* p) __attribute__((always_inline)) { return load_unaligned(p); };
    int64_t i = 0;
    for (; i + unroll * lanes <= count; i += unroll * lanes) {
        vec x[unroll];
        for (int u = 0; u < unroll; u++) x[u] = value(i + u * lanes, whole);
        for (int u = 0; u < unroll; u++) store_unaligned(diff_src + i + u * lanes, x[u]);
    }
    for (; i < count; i += lanes) {
        const lane_mask rest = first_lanes_mask(count - i < lanes ? static_cast<int>(count - i) : lanes);
        const auto part = [rest](const Element* p) __attribute__((always_inline)) { return load_masked(p, rest); };
        store_masked(diff_src + i, value(i, part), rest);
    }
}

template <class Element, int... Function>
constexpr activation_backward_kernels activation_backward_table_of() {
    return {{{activation_backward<Element, Function, false>, activation_backward<Element, Function, true>}...}};
}

template <class Element>
inline constexpr activation_backward_kernels activation_backward_table =
    activation_backward_table_of<Element, SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID>();

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
