// SPDX-License-Identifier: Apache-2.0
// Optimizer steps over a run of parameters, and the sum of squares for the gradient norm. Bound by memory: one pass over 3 or 4
// streams, of which 2 or 3 are written.
//
//   SGD     g = clip * gradient + decay * w;  m = momentum * m + g;  w -= rate * (nesterov ? g + momentum * m : m)
//           (Sutskever, Martens, Dahl & Hinton, ICML 2013, in the form where the rate stands outside the momentum)
//   AdamW   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
//           w -= rate * (decay * w + m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps))   (arXiv:1711.05101, algorithm 2)
#pragma once
#include "optimizer/optimizer_kernels.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// How whole vectors, or the lanes of a mask, go in and out.
struct whole_vectors {
    __attribute__((always_inline)) vec read(const float* p) const { return load_unaligned(p); }
    __attribute__((always_inline)) void write(float* p, vec x) const { store_unaligned(p, x); }
};
struct some_lanes {
    lane_mask mask;
    __attribute__((always_inline)) vec read(const float* p) const { return load_masked(p, mask); }
    __attribute__((always_inline)) void write(float* p, vec x) const { store_masked(p, x, mask); }
};

template <class Step>
SEXTANT_INLINE void each_step(int64_t count, Step step) {
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) step(i, whole_vectors{});
    if (i < count) step(i, some_lanes{first_lanes_mask(static_cast<int>(count - i))});
}

template <bool Nesterov>
static void sgd(const optimizer_run& a) {
    each_step(a.count, [a](int64_t i, auto how) __attribute__((always_inline)) {
        const vec w = how.read(a.parameters + i), g = how.read(a.gradients + i) * a.clip + w * a.decay;
        const vec m = how.read(a.moments + i) * a.momentum + g;
        how.write(a.moments + i, m);
        how.write(a.parameters + i, w - (Nesterov ? g + m * a.momentum : m) * a.rate);
    });
}

static void adamw(const optimizer_run& a) {
    each_step(a.count, [a](int64_t i, auto how) __attribute__((always_inline)) {
        const vec w = how.read(a.parameters + i), g = how.read(a.gradients + i) * a.clip;
        const vec m = how.read(a.moments + i) * a.momentum + g * a.opposite;
        const vec v = how.read(a.second_moments + i) * a.beta2 + g * g * a.second_opposite;
        how.write(a.moments + i, m);
        how.write(a.second_moments + i, v);
        const vec change = m * a.corrected_rate / (square_root(v) * a.root_correction + a.eps);
        how.write(a.parameters + i, w - w * (a.rate * a.decay) - change);
    });
}

/// Squares of floats are exact in double, whose sums neither overflow nor vanish.
static double sum_of_squares(const float* values, int64_t count) {
    constexpr int width = 32;
    double sums[width] = {};
    int64_t i = 0;
    for (; i + width <= count; i += width)
        for (int j = 0; j < width; j++) {
            const double x = values[i + j];
            sums[j] += x * x;
        }
    for (int j = 0; i + j < count; j++) sums[j] += static_cast<double>(values[i + j]) * values[i + j];
    double sum = 0;
    for (int j = 0; j < width; j++) sum += sums[j];
    return sum;
}

inline constexpr optimizer_kernels optimizer_table{sgd<false>, sgd<true>, adamw, sum_of_squares};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
