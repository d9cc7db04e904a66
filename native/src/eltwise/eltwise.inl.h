// SPDX-License-Identifier: Apache-2.0
// Activation and addition over a run of floats, four vectors at a time: dst[i] = act(src[i] + other[i]).
// Bound by memory: two or three streams. Lanes past the last channel are treated like all others; they stay finite.
#pragma once
#include "eltwise/eltwise_lists.h"
#include "simd/activation.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <bool Add, class Activation>
SEXTANT_INLINE void eltwise_run(const float* src, const float* other, float* dst, int64_t count, Activation act) {
    constexpr int unroll = 4;
    int64_t i = 0;
    for (; i + unroll * lanes <= count; i += unroll * lanes) {
        vec x[unroll];
        for (int u = 0; u < unroll; u++) x[u] = load_unaligned(src + i + u * lanes);
        if constexpr (Add)
            for (int u = 0; u < unroll; u++) x[u] += load_unaligned(other + i + u * lanes);
        for (int u = 0; u < unroll; u++) store_unaligned(dst + i + u * lanes, act(x[u]));
    }
    for (; i < count; i += lanes) {
        const lane_mask rest = first_lanes_mask(count - i < lanes ? static_cast<int>(count - i) : lanes);
        vec x = load_masked(src + i, rest);
        if constexpr (Add) x += load_masked(other + i, rest);
        store_masked(dst + i, act(x), rest);
    }
}

template <int Function>
void eltwise(const float* src, const float* other, float* dst, int64_t count) {
    if (other) eltwise_run<true>(src, other, dst, count, activation<Function>{});
    else eltwise_run<false>(src, other, dst, count, activation<Function>{});
}

inline constexpr eltwise_kernels eltwise_table{
    {eltwise<SEXTANT_IDENTITY>, eltwise<SEXTANT_RELU>, eltwise<SEXTANT_TANH>, eltwise<SEXTANT_SIGMOID>}};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
