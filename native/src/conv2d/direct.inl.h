// SPDX-License-Identifier: Apache-2.0
// Direct convolution on channel-blocked tensors, one register tile of output pixels x output channels:
//
//   dst[k][p][q] = act(bias[k] + sum over c, r, s of weights[k][c][r][s] * src[c][p*stride + r*dilation][q*stride + s*dilation]
//                  + residual[k][p][q])
//
// Written once for float32, bf16 and uint8 (simd/formats.h), whose multiply-add takes 1, 2 or 4 channels.
// src, dst, residual: [c / lanes][row][column][lanes]; the padding is the halo's zeros, so there is no border code here.
// weights: [c / lanes][r][s][c % lanes / channels][vectors * lanes][channels], one panel of output channels.
// Registers: pixels x vectors sums (AVX-512: 14 x 2 of 32), two weights, one broadcast pixel; see blocking.h.
// The last, partial block of input channels has its own rolled loop over the channels that exist.
// After Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures", SC18,
// arXiv:1808.05567, sec. II.
#include <algorithm>
#include <utility>

#include "conv2d/blocking.h"
#include "conv2d/direct.h"
#include "conv2d/finish.inl.h"
#include "conv2d/weights.inl.h"
#include "simd/product.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// Adds the input channels of one tap to the sums, by `Steps` (or, when 0, `steps`) multiply-adds; returns the next weights.
template <class Format, int Rows, int Columns, int Vectors, int Stride, int Steps>
SEXTANT_INLINE auto add_tap(typename product<Format>::sums (&sum)[Rows * Columns][Vectors], const direct_tile<Format>& t,
                            const typename Format::element* pixel, const typename Format::weight* weights, int steps) {
    using dot = product<Format>;
    constexpr int channels = Format::channels;
    const int64_t column = Stride ? Stride * lanes : t.src_column;
#pragma GCC unroll unrolled_steps
    for (int c = 0; c < (Steps ? Steps : steps); ++c) {
        typename dot::factor w[Vectors];
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) w[v] = dot::weights(weights + (c * Vectors + v) * lanes * channels);
#pragma GCC unroll 2
        for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
            for (int x = 0; x < Columns; ++x) {
                const auto b = dot::pixel(pixel + y * t.src_row + x * column + c * channels);
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) dot::add(sum[y * Columns + x][v], b, w[v]);
            }
    }
    return weights + (Steps ? Steps : steps) * Vectors * lanes * channels;
}

/// Asks for the cache lines of rows x columns pixels of a plane, `stride` pixels apart.
template <int Rows, int Columns, int Stride, bool Write, class Element>
SEXTANT_INLINE void fetch(const Element* pixels, int64_t row, int64_t column) {
    constexpr int pixels_in_line = std::max<int>(1, 64 / (lanes * sizeof(Element) * std::max(1, Stride)));
#pragma GCC unroll 2
    for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
        for (int x = 0; x < Columns; x += Stride ? pixels_in_line : 1)
            __builtin_prefetch(pixels + y * row + x * column, Write);
}

template <class Format, int Rows, int Columns, int Vectors, int Stride>
void direct(const direct_tile<Format>& t) {
    using element = typename Format::element;
    using dot = product<Format>;
    constexpr int steps = lanes / Format::channels;
    const int64_t column = Stride ? Stride * lanes : t.src_column;
    typename dot::sums sum[Rows * Columns][Vectors];
#pragma GCC unroll 16
    for (int i = 0; i < Rows * Columns; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) sum[i][v] = dot::load_sums(t.initial + v * lanes);

    // The lines that the end will write and add: asked for now, there by then.
    if (t.fetch_dst) {
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v)
            fetch<Rows, Columns, 1, true>(static_cast<element*>(t.target.dst) + v * t.target.dst_plane, t.target.dst_row, lanes);
    }
    if (t.fetch_residual) {
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v)
            fetch<Rows, Columns, 1, false>(static_cast<const element*>(t.target.residual) + v * t.target.residual_plane,
                                           t.target.residual_row, lanes);
    }

    const element* block = t.src;
    const element* ahead = t.ahead;
    const auto* weights = t.weights;
    const std::byte* next = t.next_weights;
    const int taps_down = t.r, taps_across = t.s, next_lines = t.next_lines;
    const auto fetch_pixels_ahead = [&] {
        if (ahead) fetch<Rows, Columns, Stride, false>(ahead, t.ahead_row, column), ahead += t.ahead_plane;
    };
    const auto add_pixels = [&](const element* pixel) {
        for (int i = 0; i < next_lines; ++i, next += 64) __builtin_prefetch(next, 0, 2);
        weights = add_tap<Format, Rows, Columns, Vectors, Stride, steps>(sum, t, pixel, weights, steps);
    };
    if (single_taps_apart && taps_down == 1 && taps_across == 1) {
        for (int b = t.blocks; b > 0; --b, block += t.src_plane) fetch_pixels_ahead(), add_pixels(block);
    } else {
        for (int b = t.blocks; b > 0; --b, block += t.src_plane) {
            fetch_pixels_ahead();
            const element* row = block;
            for (int r = taps_down; r > 0; --r, row += t.tap_row) {
                const element* pixel = row;
                for (int s = taps_across; s > 0; --s, pixel += t.tap_column) add_pixels(pixel);
            }
        }
    }
    if (t.tail_steps)
        for (int r = 0; r < t.r; ++r)
            for (int s = 0; s < t.s; ++s) {
                const element* pixel = block + r * t.tap_row + s * t.tap_column;
                weights = add_tap<Format, Rows, Columns, Vectors, Stride, 0>(sum, t, pixel, weights, t.tail_steps);
            }
    finish<element, Rows, Columns>(t.target, sum);
}

/// Source: the stored numbers of src; see direct.h.
template <class Element, class Source>
static void stage(Element* dst, const void* source, int64_t step, int pixels, const float* scale, const float* shift) {
    const Source* src = static_cast<const Source*>(source);
    if constexpr (std::is_same_v<Element, Source>)
        if (!scale) {
            for (int i = 0; i < pixels; ++i) __builtin_memcpy(dst + i * lanes, src + i * step, lanes * sizeof(Element));
            return;
        }
    if constexpr (!std::is_same_v<Element, uint8_t>) {
        const vec a = load(scale), b = load(shift);
        for (int i = 0; i < pixels; ++i) store(dst + i * lanes, relu(load(src + i * step) * a + b));
    }
}

template <class Element>
SEXTANT_INLINE void spread_to(Element* dst, int64_t column, const float* tile, int pixels, bool add) {
    for (int i = 0; i < pixels; ++i, dst += column) store(dst, add ? load(tile + i * lanes) + load(dst) : load(tile + i * lanes));
}

template <class Element>
static void spread(void* dst, int dtype, int64_t column, const float* tile, int pixels, bool add) {
    if constexpr (std::is_same_v<Element, bfloat16>)
        if (dtype == SEXTANT_BF16) return spread_to(static_cast<bfloat16*>(dst), column, tile, pixels, add);
    spread_to(static_cast<float*>(dst), column, tile, pixels, add);
}

template <class Format, int Stride, int Vectors, int... Columns>
constexpr void fill_row(direct_function<Format> (&row)[direct_kernels<Format>::most_pixels + 1],
                        std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = direct<Format, 1, Columns + 1, Vectors, Stride>), ...);
}

template <class Format, int Stride, int Vectors, int... Columns>
constexpr void fill_two_rows(direct_function<Format> (&row)[direct_kernels<Format>::most_pixels / 2 + 1],
                             std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = direct<Format, 2, Columns + 1, Vectors, Stride>), ...);
}

template <class Format, int Stride>
constexpr void fill(direct_kernels<Format>& table) {
    constexpr auto columns = std::make_integer_sequence<int, tile_pixels>{};
    constexpr auto half = std::make_integer_sequence<int, two_row_columns(tile_pixels)>{};
    fill_row<Format, Stride, 1>(table.one_row[Stride][0], columns);
    fill_two_rows<Format, Stride, 1>(table.two_rows[Stride][0], half);
    if constexpr (Stride) {
        fill_row<Format, Stride, 2>(table.one_row[Stride][1], columns);
        fill_two_rows<Format, Stride, 2>(table.two_rows[Stride][1], half);
    }
}

template <class Format>
constexpr direct_kernels<Format> direct_table() {
    using element = typename Format::element;
    direct_kernels<Format> table{};
    table.lanes = lanes;
    table.pixels = tile_pixels;
    table.stage[Format::dtype] = stage<element, element>;
    if constexpr (std::is_same_v<Format, bf16_format>) table.stage[SEXTANT_U8] = stage<element, uint8_t>;
    table.gather = gather_weights;
    table.spread = spread<element>;
#if defined(__AVX512BF16__)
    if constexpr (std::is_same_v<Format, bf16_format>) table.narrow = narrow_weights;
#endif
    fill<Format, 0>(table);
    fill<Format, 1>(table);
    fill<Format, 2>(table);
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
