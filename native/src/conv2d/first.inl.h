// SPDX-License-Identifier: Apache-2.0
// First layers: convolution of an NCHW source of few channels into a channel-blocked dst, one register tile.
//
//   dst[k][p][q] = act(bias[k] + sum over c, r, s of weights[k][c][r][s] * src[c][p*stride + r*dilation][q*stride + s*dilation]
//                  + residual[k][p][q])
//
// src: rows with their padding, [c][row][column]: each tap of each pixel is broadcast straight from there, so that three
// channels cost three channels' work and no blocked copy is made. dst: [k / lanes][p][q][lanes].
// weights: [c][r][s][vectors * lanes], one panel of output channels.
// Up to half a vector of output channels (LeNet's 6): the lanes hold them twice, for two rows of pixels that lie in pairs in src.
// Registers: columns x vectors sums (AVX-512: 14 x 2 of 32), two weights, one broadcast; see blocking.h. The loop over s stays
// rolled: unrolled, its addresses need more registers than there are.
#include <utility>

#include "conv2d/activate.inl.h"
#include "conv2d/blocking.h"
#include "conv2d/first.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <int Columns, int Vectors, int Stride>
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

#pragma GCC unroll 16
    for (int x = 0; x < Columns; ++x)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
            vec out = sum[x][v];
            if (t.residual) out += load(t.residual + v * t.residual_plane + x * lanes);
            if (t.activation == SEXTANT_RELU) out = relu(out);
            store(t.dst + v * t.dst_plane + x * lanes, out);
        }
    if (t.activation > SEXTANT_RELU)
        for (int v = 0; v < Vectors; ++v) activate_vectors(t.dst + v * t.dst_plane, Columns, t.activation);
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
    for (int x = 0; x < Columns; ++x) store(made + x * lanes, t.activation == SEXTANT_RELU ? relu(sum[x]) : sum[x]);
    if (t.activation > SEXTANT_RELU) activate_vectors(made, Columns, t.activation);
    for (int x = 0; x < Columns; ++x) {
        const vec both = load(made + x * lanes);
        store(t.dst + x * lanes, even_lanes(both, vec{}));
        if (t.dst_plane) store(t.dst + t.dst_plane + x * lanes, odd_lanes(both, vec{}));
    }
}

template <int Stride, int... Columns>
constexpr void fill_first_pairs(first_function (&row)[first_kernels::most_pixels + 1], std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = first_pairs<Columns + 1, Stride>), ...);
}

template <int Vectors, int Stride, int... Columns>
constexpr void fill_first(first_function (&row)[first_kernels::most_pixels + 1], std::integer_sequence<int, Columns...>) {
    ((row[Columns + 1] = first<Columns + 1, Vectors, Stride>), ...);
}

template <int Index>
constexpr void fill_first(first_kernels& table) {
    constexpr int stride = first_kernels::strides[Index];
    fill_first<1, stride>(table.tiles[Index][0], std::make_integer_sequence<int, tile_pixels>{});
    fill_first<2, stride>(table.tiles[Index][1], std::make_integer_sequence<int, tile_pixels>{});
    fill_first_pairs<stride>(table.pairs[Index], std::make_integer_sequence<int, tile_pixels>{});
}

constexpr first_kernels first_table() {
    first_kernels table{};
    table.lanes = lanes;
    table.pixels = tile_pixels;
    fill_first<0>(table);
    fill_first<1>(table);
    fill_first<2>(table);
    fill_first<3>(table);
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
