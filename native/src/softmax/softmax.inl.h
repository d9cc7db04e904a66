// SPDX-License-Identifier: Apache-2.0
// Softmax of one row: dst[c] = e^(src[c] - m) / sum of e^(src[j] - m), and its logarithm dst[c] = src[c] - m - log(sum), with m
// the largest element, so that nothing overflows. Three passes over a row that stays in cache; sums in one vector, then in double.
#pragma once
#include "simd/math.inl.h"
#include "softmax/softmax_lists.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

SEXTANT_INLINE lane_mask mask_at(int i, int count) { return first_lanes_mask(count - i < lanes ? count - i : lanes); }

SEXTANT_INLINE float largest(const float* src, int count) {
    const vec lowest = broadcast(-__builtin_inff());
    vec top = lowest;
    int i = 0;
    for (; i + lanes <= count; i += lanes) top = max_or_nan(top, load_unaligned(src + i));
    if (i < count)
        top = max_or_nan(top, select(lane_numbers() < count - i, load_masked(src + i, mask_at(i, count)), lowest));
    float result = top[0];
    for (int lane = 1; lane < lanes; lane++)
        if (top[lane] > result || top[lane] != top[lane]) result = top[lane];
    return result;
}

template <bool Log>
void softmax_row(const float* src, float* dst, int count) {
    const float m = largest(src, count);
    vec sums{};
    for (int i = 0; i < count; i += lanes) {
        const lane_mask mask = mask_at(i, count);
        const vec e = exp(load_masked(src + i, mask) - m);
        sums += first_lanes(e, count - i);
        if constexpr (!Log) store_masked(dst + i, e, mask);
    }
    double sum = 0;
    for (int lane = 0; lane < lanes; lane++) sum += sums[lane];
    const float factor = static_cast<float>(1 / sum), log_sum = static_cast<float>(__builtin_log(sum));
    for (int i = 0; i < count; i += lanes) {
        const lane_mask mask = mask_at(i, count);
        if constexpr (Log) store_masked(dst + i, load_masked(src + i, mask) - m - log_sum, mask);
        else store_masked(dst + i, load_masked(dst + i, mask) * factor, mask);
    }
}

inline constexpr softmax_kernels softmax_table{softmax_row<false>, softmax_row<true>};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
