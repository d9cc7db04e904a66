// SPDX-License-Identifier: Apache-2.0
// The gradient of pooling, one row of outputs at a time: each output adds its gradient to the pixel of its window that was the
// first largest, or a share of it to all. A vector is one pixel's channel block: each lane has a largest pixel of its own, told
// by its number, which is a float so that one kind of vector does.
//
//   largest = x[0], number = 0;  for each pixel i: if x[i] > largest: largest = x[i], number = i
//   for each pixel i: diff_src[i] += number == i ? diff_dst : 0
//
// The windows of rows that follow one another overlap in memory that is in cache by then.
#pragma once
#include "pool2d/backward_kernels.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// A window of Height x Width pixels, or where those are 0 of as many as the row and the column say.
template <int Height, int Width>
SEXTANT_INLINE void add_to_largest(const pool2d_backward_row& a, const window& column, vec g) {
    const int height = Height ? Height : a.rows.taps, width = Width ? Width : column.taps;
    const int64_t step_w = Width ? lanes : a.dilation_w * int64_t{lanes};
    const int64_t src_step = Height ? a.src_pitch : a.dilation_h * a.src_pitch;
    const int64_t diff_step = Height ? a.diff_src_pitch : a.dilation_h * a.diff_src_pitch;
    if (height == 0 || width == 0) return;
    const float* const src = a.src + a.rows.first * a.src_pitch + column.first * int64_t{lanes};
    float* const diff_src = a.diff_src + a.rows.first * a.diff_src_pitch + column.first * int64_t{lanes};
    vec largest = load(src), number{};
#pragma GCC unroll 3
    for (int r = 0; r < height; r++)
#pragma GCC unroll 3
        for (int s = 0; s < width; s++) {
            if (r == 0 && s == 0) continue;
            const vec x = load(src + r * src_step + s * step_w);
            number = select(x > largest, broadcast(static_cast<float>(r * width + s)), number);
            largest = max(x, largest);
        }
#pragma GCC unroll 3
    for (int r = 0; r < height; r++)
#pragma GCC unroll 3
        for (int s = 0; s < width; s++) {
            float* const to = diff_src + r * diff_step + s * step_w;
            store(to, load(to) + select(number == static_cast<float>(r * width + s), g, vec{}));
        }
}

template <int Height, int Width>
static void pool2d_backward_max(const pool2d_backward_row& a) {
    const bool whole = Height && a.rows.taps == Height;
    const int first = whole ? a.inner_first : a.outputs, last = whole ? a.inner_last : a.outputs;
    int q = 0;
    for (; q < first; q++) add_to_largest<0, 0>(a, a.columns[q], load(a.diff_dst + q * int64_t{lanes}));
    if constexpr (Height > 0)
        for (; q < last; q++) add_to_largest<Height, Width>(a, a.columns[q], load(a.diff_dst + q * int64_t{lanes}));
    for (; q < a.outputs; q++) add_to_largest<0, 0>(a, a.columns[q], load(a.diff_dst + q * int64_t{lanes}));
}

static void pool2d_backward_average(const pool2d_backward_row& a) {
    for (int q = 0; q < a.outputs; q++) {
        const window column = a.columns[q];
        const float share = 1.0f / (static_cast<float>(a.rows.divisor) * static_cast<float>(column.divisor));
        const vec g = load(a.diff_dst + q * int64_t{lanes}) * share;
        float* row = a.diff_src + a.rows.first * a.diff_src_pitch + column.first * int64_t{lanes};
        for (int r = 0; r < a.rows.taps; r++, row += a.dilation_h * a.diff_src_pitch)
            for (int s = 0; s < column.taps; s++) {
                float* const to = row + s * a.dilation_w * int64_t{lanes};
                store(to, load(to) + g);
            }
    }
}

static void pool2d_clear(float* row, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes) store(row + i, vec{});
}

inline constexpr pool2d_backward_kernels pool2d_backward_table{
    lanes, pool2d_backward_max<0, 0>, pool2d_backward_max<2, 2>, pool2d_backward_max<3, 3>, pool2d_backward_average,
    pool2d_clear};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
