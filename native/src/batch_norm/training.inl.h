// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with the batch's statistics (Ioffe & Szegedy, arXiv:1502.03167, algorithm 1) and its gradient, in a blocked
// layout: a vector is one pixel's block, of floats or widened to them. Bound by memory: every pass is one stream over each
// operand, four pixels at a time.
//
//   moments         sum x, sum x^2: in float about a pivot near the mean, for at most 256 pixels; then in double about zero,
//                   where the variance may be 10^-9 of the squared mean before it suffers
//   gradient sums   sum g, sum g (x - mean): in float for 256 pixels, then in double
//
// Registers: 8 sums and the pivot; the other passes need a handful.
#pragma once
#include "batch_norm/training_kernels.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

constexpr int64_t stretch = 256;  // pixels between two visits to double
constexpr int unrolled = 4;

/// Two sums of at most `stretch` pixels.
struct short_sums {
    vec first[unrolled], second[unrolled];

    __attribute__((always_inline)) void clear() {
        for (int u = 0; u < unrolled; u++) first[u] = second[u] = vec{};
    }
    __attribute__((always_inline)) void fold(float* a, float* b) const {
        store(a, (first[0] + first[1]) + (first[2] + first[3]));
        store(b, (second[0] + second[1]) + (second[2] + second[3]));
    }
};

/// add(sums, u, y, x) for each pixel, u telling four neighbours apart; flush(sums, pixels) after at most `stretch` of them.
template <class Add, class Flush>
SEXTANT_INLINE void in_stretches(batch_norm_pixels area, Add add, Flush flush) {
    short_sums sums;
    sums.clear();
    int64_t held = 0;
    for (int64_t y = 0; y < area.rows; y++)
        for (int64_t x = 0; x < area.pixels;) {
            const int64_t end = area.pixels - x < stretch - held ? area.pixels : x + stretch - held;
            held += end - x;
            for (; x + unrolled <= end; x += unrolled)
                for (int u = 0; u < unrolled; u++) add(sums, u, y, x + u);
            for (; x < end; x++) add(sums, 0, y, x);
            if (held == stretch) {
                flush(sums, held);
                sums.clear();
                held = 0;
            }
        }
    if (held) flush(sums, held);
}

/// Pixel (y, x) of the rectangle.
template <class Element>
SEXTANT_INLINE const Element* pixel(const void* first, int64_t pitch, int64_t y, int64_t x) {
    return static_cast<const Element*>(first) + y * pitch + x * lanes;
}
template <class Element>
SEXTANT_INLINE Element* pixel(void* first, int64_t pitch, int64_t y, int64_t x) {
    return static_cast<Element*>(first) + y * pitch + x * lanes;
}

template <class Element>
static void batch_norm_moments_of(const batch_norm_moments& a, batch_norm_pixels area) {
    const int64_t near = area.pixels < 16 ? area.pixels : 16;
    vec pivot{};
    for (int64_t x = 0; x < near; x++) pivot += load(pixel<Element>(a.src, 0, 0, x));
    pivot *= 1.0f / static_cast<float>(near);
    in_stretches(
        area,
        [&](short_sums& sums, int u, int64_t y, int64_t x) __attribute__((always_inline)) {
            const vec d = load(pixel<Element>(a.src, a.src_pitch, y, x)) - pivot;
            sums.first[u] += d;
            sums.second[u] += d * d;
        },
        [&](const short_sums& sums, int64_t held) __attribute__((always_inline)) {
            alignas(64) float first[lanes], second[lanes], at[lanes];
            sums.fold(first, second);
            store(at, pivot);
            const double count = static_cast<double>(held);
            for (int lane = 0; lane < lanes; lane++) {
                const double p = at[lane], s = first[lane];
                a.sums->first[lane] += s + count * p;
                a.sums->second[lane] += second[lane] + p * (2 * s + count * p);
            }
        });
}

/// body(y, x) for each pixel, unrolled.
template <class Body>
SEXTANT_INLINE void each_pixel(batch_norm_pixels area, Body body) {
    for (int64_t y = 0; y < area.rows; y++) {
        int64_t x = 0;
        for (; x + unrolled <= area.pixels; x += unrolled)
            for (int u = 0; u < unrolled; u++) body(y, x + u);
        for (; x < area.pixels; x++) body(y, x);
    }
}

template <class Element, bool Residual, bool Relu>
static void batch_norm_apply_to(const batch_norm_apply& a, batch_norm_pixels area) {
    const vec scale = load(a.scale->of), shift = load(a.shift->of);
    each_pixel(area, [&](int64_t y, int64_t x) __attribute__((always_inline)) {
        vec value = load(pixel<Element>(a.src, a.src_pitch, y, x)) * scale + shift;
        if constexpr (Residual) value += load(pixel<Element>(a.residual, a.residual_pitch, y, x));
        store(pixel<Element>(a.dst, a.dst_pitch, y, x), Relu ? relu(value) : value);
    });
}

/// diff_dst where dst > 0.
template <class Element, bool Masked, class Operands>
SEXTANT_INLINE vec passed(const Operands& a, int64_t y, int64_t x) {
    const vec g = load(pixel<Element>(a.diff_dst, a.diff_dst_pitch, y, x));
    if constexpr (!Masked) return g;
    return select(load(pixel<Element>(a.dst, a.dst_pitch, y, x)) > 0.0f, g, vec{});
}

template <class Element, bool Residual, bool Masked>
static void batch_norm_gradient_sums_of(const batch_norm_gradient_sums& a, batch_norm_pixels area) {
    const vec mean = load(a.mean->of);
    in_stretches(
        area,
        [&](short_sums& sums, int u, int64_t y, int64_t x) __attribute__((always_inline)) {
            const vec g = passed<Element, Masked>(a, y, x);
            if constexpr (Residual) store(pixel<Element>(a.diff_residual, a.diff_dst_pitch, y, x), g);
            sums.first[u] += g;
            sums.second[u] += g * (load(pixel<Element>(a.src, a.src_pitch, y, x)) - mean);
        },
        [&](const short_sums& sums, int64_t) __attribute__((always_inline)) {
            alignas(64) float first[lanes], second[lanes];
            sums.fold(first, second);
            for (int lane = 0; lane < lanes; lane++) a.sums->first[lane] += first[lane], a.sums->second[lane] += second[lane];
        });
}

template <class Element, bool Accumulate, bool Masked>
static void batch_norm_gradient_of(const batch_norm_gradient& a, batch_norm_pixels area) {
    const vec mean = load(a.mean->of), factor = load(a.factor->of), slope = load(a.slope->of), shift = load(a.shift->of);
    each_pixel(area, [&](int64_t y, int64_t x) __attribute__((always_inline)) {
        vec value = passed<Element, Masked>(a, y, x) * factor + shift;
        value += (load(pixel<Element>(a.src, a.src_pitch, y, x)) - mean) * slope;
        Element* const to = pixel<Element>(a.diff_src, a.diff_src_pitch, y, x);
        store(to, Accumulate ? load(to) + value : value);
    });
}

template <class E>
inline constexpr batch_norm_training_kernels batch_norm_training_table{
    lanes,
    sizeof(E),
    batch_norm_moments_of<E>,
    {{batch_norm_apply_to<E, false, false>, batch_norm_apply_to<E, false, true>},
     {batch_norm_apply_to<E, true, false>, batch_norm_apply_to<E, true, true>}},
    {{batch_norm_gradient_sums_of<E, false, false>, batch_norm_gradient_sums_of<E, false, true>},
     {batch_norm_gradient_sums_of<E, true, false>, batch_norm_gradient_sums_of<E, true, true>}},
    {{batch_norm_gradient_of<E, false, false>, batch_norm_gradient_of<E, false, true>},
     {batch_norm_gradient_of<E, true, false>, batch_norm_gradient_of<E, true, true>}}};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
