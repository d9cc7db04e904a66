// SPDX-License-Identifier: Apache-2.0
// Direct convolution on channel-blocked tensors, one register tile of output pixels x output channels:
//
//   dst[k][p][q] = act(bias[k] + sum over c, r, s of weights[k][c][r][s] * src[c][p*stride + r*dilation][q*stride + s*dilation]
//                  + residual[k][p][q])
//
// src, dst, residual: [c / lanes][row][column][lanes]; the padding is the halo's zeros, so there is no border code here.
// weights: [c / lanes][r][s][c % lanes][vectors * lanes], one panel of output channels.
// Registers: pixels x vectors sums (AVX-512: 14 x 2 of 32), two weights, one broadcast pixel; see blocking.h.
// The last, partial block of input channels has its own rolled loop over the channels that exist.
// After Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures", SC18,
// arXiv:1808.05567, sec. II.
#include <utility>

#include "conv2d/activate.inl.h"
#include "conv2d/blocking.h"
#include "conv2d/direct.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// Adds `Channels` (or, when 0, `channels`) input channels of one tap to the sums; returns the weights behind them.
template <int Rows, int Columns, int Vectors, int Stride, int Channels>
SEXTANT_INLINE const float* add_tap(vec (&sum)[Rows * Columns][Vectors], const direct_tile& t, const float* pixel,
                                    const float* weights, int channels) {
    const int64_t column = Stride ? Stride * lanes : t.src_column;
#pragma GCC unroll 4
    for (int c = 0; c < (Channels ? Channels : channels); ++c) {
        vec w[Vectors];
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) w[v] = load(weights + (c * Vectors + v) * lanes);
#pragma GCC unroll 2
        for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
            for (int x = 0; x < Columns; ++x) {
                const vec b = broadcast(pixel[y * t.src_row + x * column + c]);
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) sum[y * Columns + x][v] += b * w[v];
            }
    }
    return weights + (Channels ? Channels : channels) * Vectors * lanes;
}

template <int Rows, int Columns, int Vectors, int Stride>
void direct(const direct_tile& t) {
    const int64_t column = Stride ? Stride * lanes : t.src_column;
    vec sum[Rows * Columns][Vectors];
#pragma GCC unroll 16
    for (int i = 0; i < Rows * Columns; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) sum[i][v] = load(t.bias + v * lanes);

    // The lines that the end will write and add: asked for now, there by then.
    if (t.fetch_dst) {
#pragma GCC unroll 2
        for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
            for (int x = 0; x < Columns; ++x)
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) __builtin_prefetch(t.dst + v * t.dst_plane + y * t.dst_row + x * lanes, 1);
    }
    if (t.residual) {
#pragma GCC unroll 2
        for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
            for (int x = 0; x < Columns; ++x)
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v)
                    __builtin_prefetch(t.residual + v * t.residual_plane + y * t.residual_row + x * lanes);
    }

    const float *block = t.src, *weights = t.weights, *next = t.next_weights;
    for (int b = 0; b < t.blocks; ++b, block += t.src_plane) {
        if (t.ahead) {
            const float* ahead = t.ahead + b * t.ahead_plane;
#pragma GCC unroll 2
            for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
                for (int x = 0; x < Columns; ++x) __builtin_prefetch(ahead + y * t.ahead_row + x * column);
        }
        for (int r = 0; r < t.r; ++r)
            for (int s = 0; s < t.s; ++s) {
                for (int i = 0; i < t.next_lines; ++i, next += 16) __builtin_prefetch(next, 0, 2);
                const float* pixel = block + r * t.tap_row + s * t.tap_column;
                weights = add_tap<Rows, Columns, Vectors, Stride, lanes>(sum, t, pixel, weights, lanes);
            }
    }
    if (t.tail_channels)
        for (int r = 0; r < t.r; ++r)
            for (int s = 0; s < t.s; ++s) {
                const float* pixel = block + r * t.tap_row + s * t.tap_column;
                weights = add_tap<Rows, Columns, Vectors, Stride, 0>(sum, t, pixel, weights, t.tail_channels);
            }

#pragma GCC unroll 2
    for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
        for (int x = 0; x < Columns; ++x)
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v) {
                vec out = sum[y * Columns + x][v];
                if (t.residual) out += load(t.residual + v * t.residual_plane + y * t.residual_row + x * lanes);
                if (t.activation == SEXTANT_RELU) out = relu(out);
                store(t.dst + v * t.dst_plane + y * t.dst_row + x * lanes, out);
            }
    if (t.activation > SEXTANT_RELU)
        for (int v = 0; v < Vectors; ++v)
            for (int y = 0; y < Rows; ++y) activate_vectors(t.dst + v * t.dst_plane + y * t.dst_row, Columns, t.activation);
}

static void stage(float* dst, const float* src, int64_t step, int pixels, const float* scale, const float* shift) {
    if (!scale) {
        for (int i = 0; i < pixels; ++i) store(dst + i * lanes, load(src + i * step));
        return;
    }
    const vec a = load(scale), b = load(shift);
    for (int i = 0; i < pixels; ++i) store(dst + i * lanes, relu(load(src + i * step) * a + b));
}

template <int Stride, int Vectors, int... Columns>
constexpr void fill_row(direct_function (&row)[direct_kernels::most_pixels + 1], std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = direct<1, Columns + 1, Vectors, Stride>), ...);
}

template <int Stride, int Vectors, int... Columns>
constexpr void fill_two_rows(direct_function (&row)[direct_kernels::most_pixels / 2 + 1],
                             std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = direct<2, Columns + 1, Vectors, Stride>), ...);
}

template <int Stride>
constexpr void fill(direct_kernels& table) {
    fill_row<Stride, 1>(table.one_row[Stride][0], std::make_integer_sequence<int, tile_pixels>{});
    fill_row<Stride, 2>(table.one_row[Stride][1], std::make_integer_sequence<int, tile_pixels>{});
    fill_two_rows<Stride, 1>(table.two_rows[Stride][0], std::make_integer_sequence<int, two_row_columns(tile_pixels)>{});
    fill_two_rows<Stride, 2>(table.two_rows[Stride][1], std::make_integer_sequence<int, two_row_columns(tile_pixels)>{});
}

constexpr direct_kernels direct_table() {
    direct_kernels table{};
    table.lanes = lanes;
    table.pixels = tile_pixels;
    table.stage = stage;
    fill<0>(table);
    fill<1>(table);
    fill<2>(table);
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
