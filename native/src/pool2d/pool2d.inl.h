// SPDX-License-Identifier: Apache-2.0
// Pooling of one output row: dst[q] = max or mean of src[first_y + r * dilation][first_x + s * dilation] over the window of q.
//
// Blocked: a vector is one pixel's channel block. Where the image cuts no window, columns are reduced vertically first and
// kept in S registers while the window slides: a 3x3 window costs 6 operations at stride 2 and 4 at stride 1 instead of 8.
// Windows at the image's edge, and all shapes without a kernel of their own, walk their own taps (`any`).
// Planar: rows are reduced into one row of scratch, a vector of pixels at a time; then, at strides 1 and 2, `lanes` windows at a
// time take their columns from it.
// A NaN in a window makes its maximum a NaN, as in PyTorch.
// With a pre-activation the blocked kernels pool max(0, src * scale + shift), computed as each vector is loaded.
// Quantised numbers are reduced as stored, sums below 2^24 exactly, and become real ones, or dst's, once per output.
#pragma once
#include "pool2d/pool2d_lists.h"
#include "simd/quantised.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

struct maximum {
    static constexpr bool repeats_matter = false;
    static constexpr float start = -__builtin_inff();
    SEXTANT_INLINE vec combine(vec a, vec b) { return max_or_nan(a, b); }
    SEXTANT_INLINE float combine(float a, float b) { return b > a || b != b ? b : a; }
    SEXTANT_INLINE vec finish(vec x, float) { return x; }
    SEXTANT_INLINE float finish(float x, float) { return x; }
    SEXTANT_INLINE float terms(int) { return 1; }
};

struct mean {
    static constexpr bool repeats_matter = true;
    static constexpr float start = 0;
    SEXTANT_INLINE vec combine(vec a, vec b) { return a + b; }
    SEXTANT_INLINE float combine(float a, float b) { return a + b; }
    SEXTANT_INLINE vec finish(vec x, float factor) { return x * factor; }
    SEXTANT_INLINE float finish(float x, float factor) { return x * factor; }
    SEXTANT_INLINE float terms(int taps) { return static_cast<float>(taps); }
};

SEXTANT_INLINE float factor_of(const pool2d_row& a, const window& column) {
    return 1.0f / (static_cast<float>(a.rows.divisor) * static_cast<float>(column.divisor));
}

/// How pixels are read and results written.
template <class Src, class Dst>
struct as_it_is {
    using source = Src;
    using result = Dst;
    explicit as_it_is(const pool2d_row&) {}
    template <class Reduction>
    SEXTANT_INLINE vec start() {
        return broadcast(Reduction::start);
    }
    __attribute__((always_inline)) vec read(const Src* x) const { return load(x); }
    /// The zero points of `terms` stored numbers leave before the sum is scaled.
    template <class Reduction>
    SEXTANT_INLINE void write(Dst* dst, vec x, float factor, int taps, const pool2d_row& a) {
        const float zeros = a.src_stored.zero * Reduction::terms(taps);
        const float scale = Reduction::finish(a.src_stored.scale * a.dst_stored.inverse, factor);
        if constexpr (!std::is_same_v<Src, uint8_t>) store(dst, stored_of<Dst>(Reduction::finish(x, factor), a.dst_stored));
        else if constexpr (std::is_same_v<Dst, uint8_t>) store(dst, x * scale + (a.dst_stored.zero - zeros * scale));
        else store(dst, (x - zeros) * scale);
    }
};

template <class Src, class Dst>
struct normalised {
    using source = Src;
    using result = Dst;
    vec scale, shift;
    explicit normalised(const pool2d_row& a) : scale(load(a.pre_scale)), shift(load(a.pre_shift)) {}
    template <class Reduction>
    SEXTANT_INLINE vec start() {
        return broadcast(Reduction::start);
    }
    __attribute__((always_inline)) vec read(const Src* x) const { return relu(load(x) * scale + shift); }
    template <class Reduction>
    SEXTANT_INLINE void write(Dst* dst, vec x, float factor, int, const pool2d_row& a) {
        store(dst, stored_of<Dst>(Reduction::finish(x, factor), a.dst_stored));
    }
};

template <class Read>
SEXTANT_INLINE const typename Read::source* pixels_of(const pool2d_row& a) {
    return static_cast<const typename Read::source*>(a.src);
}

/// `taps` pixels `step` elements apart. Long rows (global pools) go into four sums, which hides the latency of addition and
/// keeps the sums short.
template <class Reduction, class Read>
SEXTANT_INLINE auto along_row(const Read& how, const typename Read::source* x, int taps, int64_t step) {
    auto sum = Read::template start<Reduction>();
    int s = 0;
    if (taps >= 4) {
        decltype(sum) part[4];
        for (int u = 0; u < 4; u++) part[u] = how.read(x + u * step);
        for (s = 4; s + 4 <= taps; s += 4)
            for (int u = 0; u < 4; u++) part[u] = Reduction::combine(part[u], how.read(x + (s + u) * step));
        sum = Reduction::combine(Reduction::combine(part[0], part[1]), Reduction::combine(part[2], part[3]));
    }
    for (; s < taps; s++) sum = Reduction::combine(sum, how.read(x + s * step));
    return sum;
}

template <class Reduction, class Read>
SEXTANT_INLINE void pool_any(const pool2d_row& a, int first, int last) {
    const Read how(a);
    typename Read::result* dst = static_cast<typename Read::result*>(a.dst);
    for (int q = first; q < last; q++) {
        const window column = a.columns[q];
        const typename Read::source* x = pixels_of<Read>(a) + a.rows.first * a.src_pitch + column.first * int64_t{lanes};
        auto sum = Read::template start<Reduction>();
        for (int r = 0; r < a.rows.taps; r++, x += a.dilation_h * a.src_pitch)
            sum = Reduction::combine(sum, along_row<Reduction>(how, x, column.taps, a.dilation_w * int64_t{lanes}));
        Read::template write<Reduction>(dst + q * int64_t{lanes}, sum, factor_of(a, column), a.rows.taps * column.taps, a);
    }
}

template <class Reduction, class Read>
void pool2d_any(const pool2d_row& a) {
    pool_any<Reduction, Read>(a, 0, a.outputs);
}

template <class Reduction, class Read, int R, int S, int Stride>
void pool2d_sliding(const pool2d_row& a) {
    constexpr int kept = S > Stride ? S - Stride : 0;  // columns shared with the next window
    if (a.inner_first >= a.inner_last || a.rows.taps < 1 || (Reduction::repeats_matter && a.rows.taps != R))
        return pool2d_any<Reduction, Read>(a);
    pool_any<Reduction, Read>(a, 0, a.inner_first);

    // Above and below the image a maximum may take its nearest row again.
    const typename Read::source* row[R];
    for (int r = 0; r < R; r++)
        row[r] = pixels_of<Read>(a) + (a.rows.first + (r < a.rows.taps ? r : a.rows.taps - 1)) * a.src_pitch +
                 a.columns[a.inner_first].first * int64_t{lanes};
    const Read how(a);
    const auto column_at = [&](int64_t x) __attribute__((always_inline)) {
        auto sum = how.read(row[0] + x);
        for (int r = 1; r < R; r++) sum = Reduction::combine(sum, how.read(row[r] + x));
        return sum;
    };
    typename Read::result* dst = static_cast<typename Read::result*>(a.dst);
    const float factor = factor_of(a, a.columns[a.inner_first]);
    decltype(column_at(0)) column[S];
    for (int s = 0; s < kept; s++) column[s] = column_at(s * lanes);
    int64_t x = 0;
    for (int q = a.inner_first; q < a.inner_last; q++, x += Stride * lanes) {
        for (int s = kept; s < S; s++) column[s] = column_at(x + s * lanes);
        auto sum = column[0];
        for (int s = 1; s < S; s++) sum = Reduction::combine(sum, column[s]);
        Read::template write<Reduction>(dst + q * int64_t{lanes}, sum, factor, R * S, a);
        for (int s = 0; s < kept; s++) column[s] = column[s + Stride];
    }
    pool_any<Reduction, Read>(a, a.inner_last, a.outputs);
}

template <class Reduction>
SEXTANT_INLINE void planar_columns(const pool2d_row& a, int first, int last) {
    for (int q = first; q < last; q++) {
        const window column = a.columns[q];
        float sum = Reduction::start;
        for (int s = 0; s < column.taps; s++) sum = Reduction::combine(sum, a.scratch[column.first + s * a.dilation_w]);
        static_cast<float*>(a.dst)[q] = Reduction::finish(sum, factor_of(a, column));
    }
}

template <class Reduction>
void pool2d_planar(const pool2d_row& a) {
    const float* first_row = static_cast<const float*>(a.src) + a.rows.first * a.src_pitch;
    for (int x = 0; x < a.src_w; x += lanes) {
        vec sum = broadcast(Reduction::start);
        const float* row = first_row + x;
        if (a.src_w - x >= lanes) {
            for (int r = 0; r < a.rows.taps; r++, row += a.dilation_h * a.src_pitch)
                sum = Reduction::combine(sum, load_unaligned(row));
        } else {
            const lane_mask rest = first_lanes_mask(a.src_w - x);
            for (int r = 0; r < a.rows.taps; r++, row += a.dilation_h * a.src_pitch)
                sum = Reduction::combine(sum, load_masked(row, rest));
        }
        store(a.scratch + x, sum);
    }
    if (a.stride_w > 2 || a.inner_first >= a.inner_last) return planar_columns<Reduction>(a, 0, a.outputs);
    planar_columns<Reduction>(a, 0, a.inner_first);
    const window column = a.columns[a.inner_first];
    const float factor = factor_of(a, column);
    for (int q = a.inner_first; q < a.inner_last; q += lanes) {
        const float* x = a.scratch + column.first + (q - a.inner_first) * a.stride_w;
        vec sum = broadcast(Reduction::start);
        for (int s = 0; s < column.taps; s++, x += a.dilation_w)
            sum = Reduction::combine(sum, a.stride_w == 1 ? load_unaligned(x)
                                                          : even_lanes(load_unaligned(x), load_unaligned(x + lanes)));
        const int rest = a.inner_last - q;
        store_masked(static_cast<float*>(a.dst) + q, Reduction::finish(sum, factor),
                     first_lanes_mask(rest < lanes ? rest : lanes));
    }
    planar_columns<Reduction>(a, a.inner_last, a.outputs);
}

template <class Reduction, class Read>
inline constexpr pool2d_kernels::blocked blocked_kernels{
    pool2d_any<Reduction, Read>, pool2d_sliding<Reduction, Read, 2, 2, 2>, pool2d_sliding<Reduction, Read, 3, 3, 1>,
    pool2d_sliding<Reduction, Read, 3, 3, 2>};

/// Of blocked tensors; `planar_max` and `planar_mean` for NCHW.
template <class Src, class Dst>
constexpr pool2d_kernels pool2d_table(pool2d_kernel* planar_max = nullptr, pool2d_kernel* planar_mean = nullptr) {
    return {lanes,
            {blocked_kernels<maximum, as_it_is<Src, Dst>>, blocked_kernels<maximum, normalised<Src, Dst>>, planar_max},
            {blocked_kernels<mean, as_it_is<Src, Dst>>, blocked_kernels<mean, normalised<Src, Dst>>, planar_mean},
            {},
            {}};
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
