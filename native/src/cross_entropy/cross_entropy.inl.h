// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy of one image and its gradient: with the largest logit m and s = sum of e^(x[j] - m),
//   loss = sum of t[c] * (log s - (x[c] - m)),   diff_src[c] = factor * (e^(x[c] - m) / s * sum of t - t[c]).
// Three passes over a row that stays in cache: largest, exponentials (kept in diff_src) with the three sums, gradient. Sums in
// one vector for a stretch, then in double: targets smoothed over all classes are equal, and so is the rounding of their sum.
#pragma once
#include "cross_entropy/cross_entropy_kernels.h"
#include "simd/math.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

constexpr int stretch = 8 * lanes;

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

SEXTANT_INLINE double sum_of_lanes(vec x) {
    double sum = 0;
    for (int lane = 0; lane < lanes; lane++) sum += x[lane];
    return sum;
}

static double cross_entropy(const float* src, const float* targets, float* diff_src, int count, float sharpness, float share,
                            double factor) {
    const float m = largest(src, count);
    double sum = 0, total = 0, distance = 0;
    for (int begin = 0; begin < count; begin += stretch) {
        const int end = count - begin < stretch ? count : begin + stretch;
        vec exponentials{}, weights{}, distances{};
        for (int i = begin; i < end; i += lanes) {
            const lane_mask mask = mask_at(i, count);
            const vec below = load_masked(src + i, mask) - m, e = exp(below);
            const vec t = first_lanes(load_masked(targets + i, mask) * sharpness + share, count - i);
            exponentials += first_lanes(e, count - i);
            weights += t;
            // Nothing times minus infinity is nothing.
            distances -= select(t == 0.0f, vec{}, t * below);
            store_masked(diff_src + i, e, mask);
        }
        sum += sum_of_lanes(exponentials);
        total += sum_of_lanes(weights);
        distance += sum_of_lanes(distances);
    }
    const float scale = static_cast<float>(factor * total / sum), of_targets = static_cast<float>(factor);
    for (int i = 0; i < count; i += lanes) {
        const lane_mask mask = mask_at(i, count);
        const vec t = load_masked(targets + i, mask) * sharpness + share;
        store_masked(diff_src + i, load_masked(diff_src + i, mask) * scale - t * of_targets, mask);
    }
    return total * __builtin_log(sum) + distance;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
