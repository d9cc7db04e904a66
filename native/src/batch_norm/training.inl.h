// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with the batch's statistics (Ioffe & Szegedy, arXiv:1502.03167, algorithm 1) and its gradient, in a blocked
// layout: a vector is one pixel's block, of floats or widened to them. Bound by memory: every pass is one stream over each
// operand, four pixels at a time.
//
//   moments         sum x, sum x^2: in float about a pivot near the mean, for at most 256 pixels; then in double about zero,
//                   where the variance may be 10^-9 of the squared mean before it suffers
//   gradient sums   sum g, sum g (x - mean): in float for 256 pixels, then in double
//
// Registers: 8 sums of four pixels, 2 of single ones, the pivot in three forms; the other passes hold up to 12 such forms.
#pragma once
#include "batch_norm/training_kernels.h"
#include "simd/pixels.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

constexpr int64_t stretch = 256;  // pixels between two visits to double
constexpr int unrolled = 4;       // pixels at a time

/// Pixel (y, x) of the rectangle.
template <class Element>
SEXTANT_INLINE const Element* pixel(const void* first, int64_t pitch, int64_t y, int64_t x) {
    return static_cast<const Element*>(first) + y * pitch + x * lanes;
}
template <class Element>
SEXTANT_INLINE Element* pixel(void* first, int64_t pitch, int64_t y, int64_t x) {
    return static_cast<Element*>(first) + y * pitch + x * lanes;
}

/// Two sums of some pixels, one or two at a time.
template <int Count>
struct pixel_sums {
    pixels<Count> first{}, second{};
    __attribute__((always_inline)) void add(const pixels<Count>& a, const pixels<Count>& b) {
        for (int i = 0; i < Count; i++) first.of[i] += a.of[i], second.of[i] += b.of[i];
    }
};

/// Two sums of at most `stretch` pixels.
template <class Element>
struct short_sums {
    pixel_sums<2> pairs[unrolled / 2];
    pixel_sums<1> single;

    // Neighbours first: in float32 this order is what the golden gradients have been compared in, and a rounding elsewhere may
    // turn a rectifier that is near its edge.
    __attribute__((always_inline)) void fold(float* a, float* b) const {
        using pair = pixel_pair<Element>;
        store(a, (pair::sum(pairs[0].first) + pair::sum(pairs[1].first)) + single.first.of[0]);
        store(b, (pair::sum(pairs[0].second) + pair::sum(pairs[1].second)) + single.second.of[0]);
    }
};

/// add(sums, y, x) for all pixels, two by two while there are so many; flush(sums, pixels) after at most `stretch` of them.
template <class Element, class Add, class Flush>
SEXTANT_INLINE void in_stretches(batch_norm_pixels area, Add add, Flush flush) {
    short_sums<Element> sums;
    int64_t held = 0;
    for (int64_t y = 0; y < area.rows; y++)
        for (int64_t x = 0; x < area.pixels;) {
            const int64_t end = area.pixels - x < stretch - held ? area.pixels : x + stretch - held;
            held += end - x;
            for (; x + unrolled <= end; x += unrolled)
                for (int u = 0; u < unrolled; u += 2) add(sums.pairs[u / 2], y, x + u);
            for (; x < end; x++) add(sums.single, y, x);
            if (held == stretch) {
                flush(sums, held);
                sums = {};
                held = 0;
            }
        }
    if (held) flush(sums, held);
}

template <class Element>
static void batch_norm_moments_of(const batch_norm_moments& a, batch_norm_pixels area) {
    const int64_t near = area.pixels < 16 ? area.pixels : 16;
    vec mean_of_near{};
    for (int64_t x = 0; x < near; x++) mean_of_near += load(pixel<Element>(a.src, 0, 0, x));
    mean_of_near *= 1.0f / static_cast<float>(near);
    const per_channel<Element> pivot(mean_of_near);
    in_stretches<Element>(
        area,
        [&]<int Count>(pixel_sums<Count>& sums, int64_t y, int64_t x) __attribute__((always_inline)) {
            pixels<Count> d = load_pixels<Count>(pixel<Element>(a.src, a.src_pitch, y, x)), squares;
            for (int i = 0; i < Count; i++) {
                d.of[i] -= pivot.template as<Count>().of[i];
                squares.of[i] = d.of[i] * d.of[i];
            }
            sums.add(d, squares);
        },
        [&](const short_sums<Element>& sums, int64_t held) __attribute__((always_inline)) {
            alignas(64) float first[lanes], second[lanes], at[lanes];
            sums.fold(first, second);
            store(at, mean_of_near);
            const double count = static_cast<double>(held);
            for (int lane = 0; lane < lanes; lane++) {
                const double p = at[lane], s = first[lane];
                a.sums->first[lane] += s + count * p;
                a.sums->second[lane] += second[lane] + p * (2 * s + count * p);
            }
        });
}

/// body<2>(y, x) for pairs of pixels, body<1>(y, x) for the last, unrolled.
template <class Body>
SEXTANT_INLINE void each_pixel(batch_norm_pixels area, Body body) {
    for (int64_t y = 0; y < area.rows; y++) {
        int64_t x = 0;
        for (; x + unrolled <= area.pixels; x += unrolled)
            for (int u = 0; u < unrolled; u += 2) body.template operator()<2>(y, x + u);
        for (; x < area.pixels; x++) body.template operator()<1>(y, x);
    }
}

template <class Element, bool Residual, bool Relu>
static void batch_norm_apply_to(const batch_norm_apply& a, batch_norm_pixels area) {
    const per_channel<Element> scale(load(a.scale->of)), shift(load(a.shift->of));
    each_pixel(area, [&]<int Count>(int64_t y, int64_t x) __attribute__((always_inline)) {
        pixels<Count> value = load_pixels<Count>(pixel<Element>(a.src, a.src_pitch, y, x)), residual;
        if constexpr (Residual) residual = load_pixels<Count>(pixel<Element>(a.residual, a.residual_pitch, y, x));
        for (int i = 0; i < Count; i++) {
            vec& v = value.of[i];
            v = v * scale.template as<Count>().of[i] + shift.template as<Count>().of[i];
            if constexpr (Residual) v += residual.of[i];
            if constexpr (Relu) v = relu(v);
        }
        store_pixels(pixel<Element>(a.dst, a.dst_pitch, y, x), value);
    });
}

/// diff_dst where dst > 0.
template <class Element, bool Masked, int Count, class Operands>
SEXTANT_INLINE pixels<Count> passed(const Operands& a, int64_t y, int64_t x) {
    pixels<Count> g = load_pixels<Count>(pixel<Element>(a.diff_dst, a.diff_dst_pitch, y, x));
    if constexpr (Masked) {
        const pixels<Count> dst = load_pixels<Count>(pixel<Element>(a.dst, a.dst_pitch, y, x));
        for (int i = 0; i < Count; i++) g.of[i] = select(dst.of[i] > 0.0f, g.of[i], vec{});
    }
    return g;
}

template <class Element, bool Residual, bool Masked>
static void batch_norm_gradient_sums_of(const batch_norm_gradient_sums& a, batch_norm_pixels area) {
    const per_channel<Element> mean(load(a.mean->of));
    in_stretches<Element>(
        area,
        [&]<int Count>(pixel_sums<Count>& sums, int64_t y, int64_t x) __attribute__((always_inline)) {
            const pixels<Count> g = passed<Element, Masked, Count>(a, y, x);
            if constexpr (Residual) store_pixels(pixel<Element>(a.diff_residual, a.diff_dst_pitch, y, x), g);
            pixels<Count> products = load_pixels<Count>(pixel<Element>(a.src, a.src_pitch, y, x));
            for (int i = 0; i < Count; i++)
                products.of[i] = g.of[i] * (products.of[i] - mean.template as<Count>().of[i]);
            sums.add(g, products);
        },
        [&](const short_sums<Element>& sums, int64_t) __attribute__((always_inline)) {
            alignas(64) float first[lanes], second[lanes];
            sums.fold(first, second);
            for (int lane = 0; lane < lanes; lane++) a.sums->first[lane] += first[lane], a.sums->second[lane] += second[lane];
        });
}

template <class Element, bool Accumulate, bool Masked>
static void batch_norm_gradient_of(const batch_norm_gradient& a, batch_norm_pixels area) {
    const per_channel<Element> mean(load(a.mean->of)), factor(load(a.factor->of)), slope(load(a.slope->of)),
        shift(load(a.shift->of));
    each_pixel(area, [&]<int Count>(int64_t y, int64_t x) __attribute__((always_inline)) {
        pixels<Count> value = passed<Element, Masked, Count>(a, y, x);
        const pixels<Count> src = load_pixels<Count>(pixel<Element>(a.src, a.src_pitch, y, x));
        Element* const to = pixel<Element>(a.diff_src, a.diff_src_pitch, y, x);
        pixels<Count> before;
        if constexpr (Accumulate) before = load_pixels<Count>(to);
        for (int i = 0; i < Count; i++) {
            vec& v = value.of[i];
            v = v * factor.template as<Count>().of[i] + shift.template as<Count>().of[i];
            v += (src.of[i] - mean.template as<Count>().of[i]) * slope.template as<Count>().of[i];
            if constexpr (Accumulate) v += before.of[i];
        }
        store_pixels(to, value);
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
