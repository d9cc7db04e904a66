// SPDX-License-Identifier: Apache-2.0
// The gradient of local response normalisation across channels (Krizhevsky et al. 2012, sec. 3.3), with s[c] = bias + alpha * sum
// of src^2 over c's window:
//   diff_src[i] = diff_dst[i] * s[i]^-beta - 2 alpha beta src[i] * sum over c - before <= i <= c + after of
//                 diff_dst[c] * src[c] * s[c]^-beta / s[c]
//
// A strip of pixels at a time; in the scratch memory each pixel has its squares and its ratios (the terms of that sum), all
// channels in a row with zeros around them, so that both window sums are `size` loads at shifted addresses, and its powers.
#pragma once
#include "lrn/backward_kernels.h"
#include "lrn/lrn_lists.h"
#include "simd/math.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Element, bool ThreeQuarters>
static void lrn_backward_strip(const lrn_backward_run& a) {
    const Element* const src = static_cast<const Element*>(a.src);
    const Element* const diff_dst = static_cast<const Element*>(a.diff_dst);
    const int blocks = (a.channels + lanes - 1) / lanes;
    const int64_t row_floats = lrn_pixel_floats(a.channels, a.before, a.after, lanes);
    const int64_t pixel_floats = 2 * row_floats + blocks * int64_t{lanes};
    const int64_t squares_lead = lrn_overhang(a.before, lanes), ratios_lead = lrn_overhang(a.after, lanes);
    const auto clear_around = [&](float* row, int64_t lead) {
        for (int64_t i = 0; i < lead; i += lanes) store(row + i, vec{});
        for (int64_t i = lead + blocks * int64_t{lanes}; i < row_floats; i += lanes) store(row + i, vec{});
    };
    for (int x = 0; x < a.pixels; x++) {
        clear_around(a.scratch + x * pixel_floats, squares_lead);
        clear_around(a.scratch + x * pixel_floats + row_floats, ratios_lead);
    }
    const auto own_lanes = [&](int b) { return a.channels - b * lanes < lanes ? a.channels - b * lanes : lanes; };
    for (int b = 0; b < blocks; b++) {
        float* squares = a.scratch + squares_lead + b * lanes;
        for (int x = 0; x < a.pixels; x++, squares += pixel_floats) {
            const vec value = first_lanes(load(src + b * a.src_pitch + x * lanes), own_lanes(b));
            store(squares, value * value);
        }
    }
    for (int b = 0; b < blocks; b++) {
        const float* squares = a.scratch + squares_lead + b * lanes;
        float* ratios = a.scratch + row_floats + ratios_lead + b * lanes;
        float* powers = a.scratch + 2 * row_floats + b * lanes;
        for (int x = 0; x < a.pixels; x++, squares += pixel_floats, ratios += pixel_floats, powers += pixel_floats) {
            vec sum{};
            for (int j = -a.before; j <= a.after; j++) sum += load_unaligned(squares + j);
            const vec base = sum * a.alpha + a.bias;
            const vec power = ThreeQuarters ? negative_three_quarter_power(base) : negative_power(base, a.beta);
            const vec value = load(src + b * a.src_pitch + x * lanes), g = load(diff_dst + b * a.diff_dst_pitch + x * lanes);
            store(ratios, first_lanes(g * value * power / base, own_lanes(b)));
            store(powers, power);
        }
    }
    const float factor = -2 * a.alpha * a.beta;
    for (int b = 0; b < blocks; b++) {
        const float* ratios = a.scratch + row_floats + ratios_lead + b * lanes;
        const float* powers = a.scratch + 2 * row_floats + b * lanes;
        Element* diff_src = static_cast<Element*>(a.diff_src) + b * a.diff_src_pitch;
        for (int x = 0; x < a.pixels; x++, ratios += pixel_floats, powers += pixel_floats, diff_src += lanes) {
            vec sum{};
            for (int j = -a.after; j <= a.before; j++) sum += load_unaligned(ratios + j);
            const vec value = load(src + b * a.src_pitch + x * lanes), g = load(diff_dst + b * a.diff_dst_pitch + x * lanes);
            const vec gradient = first_lanes(g * load(powers) + value * factor * sum, own_lanes(b));
            store(diff_src, a.accumulate ? load(diff_src) + gradient : gradient);
        }
    }
}

template <class Element>
static void lrn_backward(const lrn_backward_run& a) {
    a.beta == 0.75f ? lrn_backward_strip<Element, true>(a) : lrn_backward_strip<Element, false>(a);
}

template <class Element>
inline constexpr lrn_backward_kernels lrn_backward_table{lanes, lrn_backward<Element>};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
