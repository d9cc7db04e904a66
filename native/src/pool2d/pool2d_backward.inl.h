// SPDX-License-Identifier: Apache-2.0
// The gradient of pooling, one row of outputs at a time: each output adds its gradient to the pixel of its window that was the
// first largest, or a share of it to all. A vector is one pixel's channel block: each lane has a largest pixel of its own, told
// by its number, which is a float so that one kind of vector does.
//
//   largest = x[0], number = 0;  for each pixel i: if x[i] > largest: largest = x[i], number = i
//   for each pixel i: sum[i] += number == i ? diff_dst : 0
//
// The windows of rows that follow one another overlap in memory that is in cache by then.
#pragma once
#include "pool2d/backward_kernels.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// The sums of a window's row r.
template <class Sum>
SEXTANT_INLINE Sum* sums_of(const pool2d_backward_row& a, int r) {
    const int y = a.first_sum_row + r * a.dilation_h;
    return static_cast<Sum*>(a.sums) + (y < a.sum_rows ? y : y - a.sum_rows) * a.sums_pitch;
}

/// A window of Height x Width pixels, or where those are 0 of as many as the row and the column say. `row(r)` is where the sums
/// of its row r begin.
template <class Src, int Height, int Width, class Row>
SEXTANT_INLINE void add_to_largest(const pool2d_backward_row& a, const window& column, vec g, Row row) {
    const int height = Height ? Height : a.rows.taps, width = Width ? Width : column.taps;
    const int64_t step_w = Width ? lanes : a.dilation_w * int64_t{lanes}, first = column.first * int64_t{lanes};
    const int64_t src_step = Height ? a.src_pitch : a.dilation_h * a.src_pitch;
    if (height == 0 || width == 0) return;
    const Src* const src = static_cast<const Src*>(a.src) + a.rows.first * a.src_pitch + first;
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
    for (int r = 0; r < height; r++) {
        auto* const sums = row(r) + first;
#pragma GCC unroll 3
        for (int s = 0; s < width; s++) {
            auto* const to = sums + s * step_w;
            store(to, load(to) + select(number == static_cast<float>(r * width + s), g, vec{}));
        }
    }
}

template <class Src, class DiffDst, class Sum, int Height, int Width>
static void pool2d_backward_max(const pool2d_backward_row& a) {
    const DiffDst* const diff_dst = static_cast<const DiffDst*>(a.diff_dst);
    const auto any = [&](int first, int last) {
        for (int q = first; q < last; q++)
            add_to_largest<Src, 0, 0>(a, a.columns[q], load(diff_dst + q * int64_t{lanes}),
                                      [&](int r) __attribute__((always_inline)) { return sums_of<Sum>(a, r); });
    };
    if constexpr (Height > 0) {
        if (a.rows.taps == Height) {
            Sum* rows[Height];
            for (int r = 0; r < Height; r++) rows[r] = sums_of<Sum>(a, r);
            any(0, a.inner_first);
            for (int q = a.inner_first; q < a.inner_last; q++)
                add_to_largest<Src, Height, Width>(a, a.columns[q], load(diff_dst + q * int64_t{lanes}),
                                                   [&](int r) __attribute__((always_inline)) { return rows[r]; });
            return any(a.inner_last, a.outputs);
        }
    }
    any(0, a.outputs);
}

template <class DiffDst, class Sum>
static void pool2d_backward_average(const pool2d_backward_row& a) {
    const int64_t step_w = a.dilation_w * int64_t{lanes}, step_h = a.dilation_h * a.sums_pitch, ring = a.sum_rows * a.sums_pitch;
    for (int q = 0; q < a.outputs; q++) {
        const window column = a.columns[q];
        const float share = 1.0f / (static_cast<float>(a.rows.divisor) * static_cast<float>(column.divisor));
        const vec g = load(static_cast<const DiffDst*>(a.diff_dst) + q * int64_t{lanes}) * share;
        int64_t row = a.first_sum_row * a.sums_pitch;
        for (int r = 0; r < a.rows.taps; r++, row += step_h) {
            if (row >= ring) row -= ring;
            Sum* to = static_cast<Sum*>(a.sums) + row + column.first * int64_t{lanes};
            for (int s = 0; s < column.taps; s++, to += step_w) store(to, load(to) + g);
        }
    }
}

template <class Sum>
static void pool2d_clear(void* sums, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes) store(static_cast<Sum*>(sums) + i, vec{});
}

/// Of these element types; `read` and `write` unless diff_src is of Sums.
template <class Src, class DiffDst, class Sum>
constexpr pool2d_backward_kernels pool2d_backward_table(void (*read)(const void*, void*, int64_t) = nullptr,
                                                        void (*write)(const void*, void*, int64_t) = nullptr) {
    return {lanes,
            pool2d_backward_max<Src, DiffDst, Sum, 0, 0>,
            pool2d_backward_max<Src, DiffDst, Sum, 2, 2>,
            pool2d_backward_max<Src, DiffDst, Sum, 3, 3>,
            pool2d_backward_average<DiffDst, Sum>,
            pool2d_clear<Sum>,
            read,
            write};
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
