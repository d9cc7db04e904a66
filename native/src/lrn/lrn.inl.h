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
#include "simd/quantised.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <bool ThreeQuarters>
SEXTANT_INLINE vec normalised(vec x, vec sum, const lrn_run& a) {
    const vec base = sum * a.alpha + a.bias;
    return x * (ThreeQuarters ? negative_three_quarter_power(base) : negative_power(base, a.beta));
}

template <class Src, class Dst, bool ThreeQuarters>
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
        const Src* src = static_cast<const Src*>(a.src) + b * a.src_pitch;
        float* squares = a.scratch + lead + b * lanes;
        for (int x = 0; x < a.pixels; x++) {
            const vec value = first_lanes(real_of<Src>(load(src + x * lanes), a.src_stored), own_lanes);
            store(squares + x * pixel_floats, value * value);
        }
    }
    for (int b = 0; b < blocks; b++) {
        const Src* src = static_cast<const Src*>(a.src) + b * a.src_pitch;
        Dst* dst = static_cast<Dst*>(a.dst) + b * a.dst_pitch;
        const float* squares = a.scratch + lead + b * lanes;
        for (int x = 0; x < a.pixels; x++, squares += pixel_floats) {
            vec sum{};
            for (int j = -a.before; j <= a.after; j++) sum += load_unaligned(squares + j);
            const vec value = real_of<Src>(load(src + x * lanes), a.src_stored);
            store(dst + x * lanes, stored_of<Dst>(normalised<ThreeQuarters>(value, sum, a), a.dst_stored));
        }
    }
}

template <class Src, class Dst>
void lrn_blocked(const lrn_run& a) {
    a.beta == 0.75f ? lrn_blocked_run<Src, Dst, true>(a) : lrn_blocked_run<Src, Dst, false>(a);
}

template <bool ThreeQuarters>
void lrn_planar_run(const lrn_run& a) {
    const float* src = static_cast<const float*>(a.src);
    float* dst = static_cast<float*>(a.dst);
    for (int c = 0; c < a.channels; c++) {
        const int first = c - a.before > 0 ? c - a.before : 0;
        const int last = c + a.after < a.channels ? c + a.after : a.channels - 1;
        for (int x = 0; x < a.pixels; x += lanes) {
            const lane_mask mask = first_lanes_mask(a.pixels - x < lanes ? a.pixels - x : lanes);
            vec sum{};
            for (int j = first; j <= last; j++) {
                const vec value = load_masked(src + j * a.src_pitch + x, mask);
                sum += value * value;
            }
            const vec value = load_masked(src + c * a.src_pitch + x, mask);
            store_masked(dst + c * a.dst_pitch + x, normalised<ThreeQuarters>(value, sum, a), mask);
        }
    }
}

inline void lrn_planar(const lrn_run& a) { a.beta == 0.75f ? lrn_planar_run<true>(a) : lrn_planar_run<false>(a); }

template <class Src, class Dst>
constexpr lrn_kernels lrn_table(lrn_kernel* planar = nullptr) {
    return {lanes, lrn_blocked<Src, Dst>, planar};
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
