// SPDX-License-Identifier: Apache-2.0
// First layers: convolution of an NCHW source of few channels into a channel-blocked dst, one register tile.
//
//   dst[k][p][q] = act(bias[k] + sum over c, r, s of weights[k][c][r][s] * src[c][p*stride + r*dilation][q*stride + s*dilation]
//                  + residual[k][p][q])
//
// src: rows with their padding, [c][row][column]: each tap of each pixel is broadcast straight from there, so that three
// channels cost three channels' work and no blocked copy is made. dst: [k / lanes][p][q][lanes] of any element type.
// weights: [c][r][s][vectors * lanes], one panel of output channels.
// Up to half a vector of output channels (LeNet's 6): the lanes hold them twice, for two rows of pixels that lie in pairs in src.
// Registers: columns x vectors sums (AVX-512: 14 x 2 of 32), two weights, one broadcast; see blocking.h. The loop over s stays
// rolled: unrolled, its addresses need more registers than there are.
#include <utility>

#include "conv2d/blocking.h"
#include "conv2d/finish.inl.h"
#include "conv2d/first.h"
#include "conv2d/weights.inl.h"
#include "simd/bfloat16.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Dst, int Columns, int Vectors, int Stride>
void first(const first_tile& t) {
    const int64_t column = Stride ? Stride : t.src_column;
    vec sum[Columns][Vectors];
#pragma GCC unroll 16
    for (int x = 0; x < Columns; ++x)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) sum[x][v] = load(t.bias + v * lanes);

    const float* weights = t.weights;
    for (int c = 0; c < t.channels; ++c)
        for (int r = 0; r < t.r; ++r) {
            const float* pixel = t.src + c * t.src_channel + r * t.tap_row;
#pragma GCC unroll 1
            for (int s = 0; s < t.s; ++s, pixel += t.tap_column, weights += Vectors * lanes) {
                vec w[Vectors];
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * lanes);
#pragma GCC unroll 16
                for (int x = 0; x < Columns; ++x) {
                    const vec b = broadcast(pixel[x * column]);
#pragma GCC unroll 2
                    for (int v = 0; v < Vectors; ++v) sum[x][v] += b * w[v];
                }
            }
        }
    finish<Dst, 1, Columns>(t.target, sum);
}

/// Lane 2k: channel k of a pixel of the first row; lane 2k + 1: of the second.
template <int Columns, int Stride>
void first_pairs(const first_tile& t) {
    const int64_t column = 2 * (Stride ? Stride : t.src_column);
    vec sum[Columns];
#pragma GCC unroll 16
    for (int x = 0; x < Columns; ++x) sum[x] = load(t.bias);

    const float* weights = t.weights;
    for (int c = 0; c < t.channels; ++c)
        for (int r = 0; r < t.r; ++r) {
            const float* pixel = t.src + c * t.src_channel + r * t.tap_row;
#pragma GCC unroll 1
            for (int s = 0; s < t.s; ++s, pixel += t.tap_column, weights += lanes) {
                const vec w = load(weights);
#pragma GCC unroll 16
                for (int x = 0; x < Columns; ++x) sum[x] += broadcast_pair(pixel + x * column) * w;
            }
        }

    alignas(64) float made[Columns * lanes];
#pragma GCC unroll 16
    for (int x = 0; x < Columns; ++x) store(made + x * lanes, t.target.activation == SEXTANT_RELU ? relu(sum[x]) : sum[x]);
    if (t.target.activation > SEXTANT_RELU) activate_vectors(made, Columns, t.target.activation);
    for (int x = 0; x < Columns; ++x) {
        const vec both = load(made + x * lanes);
        float* const dst = static_cast<float*>(t.target.dst) + x * lanes;
        store(dst, even_lanes(both, vec{}));
        if (t.target.dst_plane) store(dst + t.target.dst_plane, odd_lanes(both, vec{}));
    }
}

template <int Stride, int... Columns>
constexpr void fill_first_pairs(first_function (&row)[first_kernels::most_pixels + 1], std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = first_pairs<Columns + 1, Stride>), ...);
}

template <class Dst, int Vectors, int Stride, int... Columns>
constexpr void fill_first(first_function (&row)[first_kernels::most_pixels + 1], std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = first<Dst, Columns + 1, Vectors, Stride>), ...);
}

template <class Dst, int Index>
constexpr void fill_first(first_kernels& table) {
    constexpr int stride = first_kernels::strides[Index];
    fill_first<Dst, 1, stride>(table.tiles[Index][0], std::make_integer_sequence<int, tile_pixels>{});
    if constexpr (stride) fill_first<Dst, 2, stride>(table.tiles[Index][1], std::make_integer_sequence<int, tile_pixels>{});
    if constexpr (std::is_same_v<Dst, float>)
        fill_first_pairs<stride>(table.pairs[Index], std::make_integer_sequence<int, tile_pixels>{});
}

template <class Dst>
constexpr first_kernels first_table() {
    first_kernels table{};
    table.lanes = lanes;
    table.pixels = tile_pixels;
    table.dtype = std::is_same_v<Dst, float> ? SEXTANT_F32 : std::is_same_v<Dst, bfloat16> ? SEXTANT_BF16 : SEXTANT_U8;
    table.gather = gather_weights;
    fill_first<Dst, 0>(table);
    fill_first<Dst, 1>(table);
    fill_first<Dst, 2>(table);
    fill_first<Dst, 3>(table);
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
