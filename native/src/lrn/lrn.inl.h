// SPDX-License-Identifier: Apache-2.0
// Local response normalisation across channels (Krizhevsky et al. 2012, sec. 3.3):
// dst[c] = src[c] * (bias + alpha * sum of src[j]^2 for c - before <= j <= c + after)^-beta.
//
// Blocked: the squares of a strip of pixels are written side by side, all channels of a pixel in a row, zeros around them; a
// block's window sums are then `size` loads at shifted addresses, which do not mind block boundaries.
// Planar: a vector is `lanes` pixels; the window is `size` loads from neighbouring channels.
// beta = 0.75, which every published network uses, takes two square roots instead of a logarithm and an exponential.
#pragma once
#include "lrn/lrn_lists.h"
#include "simd/math.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <bool ThreeQuarters>
SEXTANT_INLINE vec normalised(vec x, vec sum, const lrn_run& a) {
    const vec base = sum * a.alpha + a.bias;
    return x * (ThreeQuarters ? negative_three_quarter_power(base) : negative_power(base, a.beta));
}

template <bool ThreeQuarters>
void lrn_blocked_run(const lrn_run& a) {
    const int blocks = (a.channels + lanes - 1) / lanes;
    const int64_t lead = lrn_overhang(a.before, lanes);
    const int64_t pixel_floats = lrn_pixel_floats(a.channels, a.before, a.after, lanes);
    for (int x = 0; x < a.pixels; x++) {
        float* squares = a.scratch + x * pixel_floats;
        for (int64_t i = 0; i < lead; i += lanes) store(squares + i, vec{});
        for (int64_t i = lead + int64_t{blocks} * lanes; i < pixel_floats; i += lanes) store(squares + i, vec{});
    }
    for (int b = 0; b < blocks; b++) {
        const int own_lanes = a.channels - b * lanes < lanes ? a.channels - b * lanes : lanes;
        const float* src = a.src + b * a.src_pitch;
        float* squares = a.scratch + lead + b * lanes;
        for (int x = 0; x < a.pixels; x++) {
            const vec value = first_lanes(load(src + x * lanes), own_lanes);
            store(squares + x * pixel_floats, value * value);
        }
    }
    for (int b = 0; b < blocks; b++) {
        const float* src = a.src + b * a.src_pitch;
        float* dst = a.dst + b * a.dst_pitch;
        const float* squares = a.scratch + lead + b * lanes;
        for (int x = 0; x < a.pixels; x++, squares += pixel_floats) {
            vec sum{};
            for (int j = -a.before; j <= a.after; j++) sum += load_unaligned(squares + j);
            store(dst + x * lanes, normalised<ThreeQuarters>(load(src + x * lanes), sum, a));
        }
    }
}

inline void lrn_blocked(const lrn_run& a) { a.beta == 0.75f ? lrn_blocked_run<true>(a) : lrn_blocked_run<false>(a); }

template <bool ThreeQuarters>
void lrn_planar_run(const lrn_run& a) {
    for (int c = 0; c < a.channels; c++) {
        const int first = c - a.before > 0 ? c - a.before : 0;
        const int last = c + a.after < a.channels ? c + a.after : a.channels - 1;
        for (int x = 0; x < a.pixels; x += lanes) {
            const lane_mask mask = first_lanes_mask(a.pixels - x < lanes ? a.pixels - x : lanes);
            vec sum{};
            for (int j = first; j <= last; j++) {
                const vec value = load_masked(a.src + j * a.src_pitch + x, mask);
                sum += value * value;
            }
            const vec value = load_masked(a.src + c * a.src_pitch + x, mask);
            store_masked(a.dst + c * a.dst_pitch + x, normalised<ThreeQuarters>(value, sum, a), mask);
        }
    }
}

inline void lrn_planar(const lrn_run& a) { a.beta == 0.75f ? lrn_planar_run<true>(a) : lrn_planar_run<false>(a); }

inline constexpr lrn_kernels lrn_table{lanes, lrn_blocked, lrn_planar};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
