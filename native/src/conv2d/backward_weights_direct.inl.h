// SPDX-License-Identifier: Apache-2.0
// Gradients of weights by direct sums on channel-blocked tensors, one register tile:
//
//   sums[c][k] += sum over n, p, q of diff_dst[n][k][p][q] * src[n][c][p*stride + r*dilation][q*stride + s*dilation]
//
// for one tap (r, s), a few input channels c and a panel of one or two vectors of output channels k.
// src, diff_dst: [c / lanes][row][column][lanes]; only pixels inside the image are visited, so padding needs nothing.
// Registers: channels x vectors sums, which stay over all the pixels; per pixel the vectors of diff_dst are loaded and each
// channel's src broadcast; see blocking.h.
// The sums begin at zero and are added to memory at the end: rounding errors grow with the length of a sum.
// After Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures", SC18,
// arXiv:1808.05567, sec. II-J.
#include <utility>

#include "conv2d/backward_weights_direct.h"
#include "conv2d/backward_weights_sums.inl.h"
#include "conv2d/blocking.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <int Channels, int Vectors>
void backward_weights_multiply(const backward_weights_tile& t) {
    vec sum[Channels][Vectors] = {};
    for (int n = 0; n < t.images; ++n)
        for (int y = 0; y < t.rows; ++y) {
            const float* src = t.src + n * t.src_image + y * t.src_row;
            const float* diff = t.diff + n * t.diff_image + y * t.diff_row;
            const float* ahead = t.ahead + y * t.ahead_row;
#pragma GCC unroll 1
            for (int x = 0; x < t.columns; ++x, src += t.src_column, diff += lanes, ahead += t.ahead_column) {
                __builtin_prefetch(ahead, 0, 2);
                vec d[Vectors];
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) d[v] = load(diff + v * t.diff_plane);
#pragma GCC unroll 16
                for (int c = 0; c < Channels; ++c) {
                    const vec b = broadcast(src[c]);
#pragma GCC unroll 2
                    for (int v = 0; v < Vectors; ++v) sum[c][v] += b * d[v];
                }
            }
        }
#pragma GCC unroll 16
    for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
            float* const sums = t.sums + c * t.sums_channel + v * lanes;
            store(sums, load(sums) + sum[c][v]);
        }
}

template <int Vectors, int... Channels>
constexpr void fill_channels(backward_weights_direct_kernels& table, std::integer_sequence<int, Channels...>) {
    table.channels[Vectors - 1] = sizeof...(Channels);
    ((table.tiles[Vectors - 1][Channels + 1] = backward_weights_multiply<Channels + 1, Vectors>), ...);
}

constexpr backward_weights_direct_kernels backward_weights_direct_table() {
    backward_weights_direct_kernels table{};
    table.lanes = lanes;
    fill_channels<1>(table, std::make_integer_sequence<int, gradient_channels[0]>{});
    fill_channels<2>(table, std::make_integer_sequence<int, gradient_channels[1]>{});
    table.plane = backward_weights_add_plane;
    table.finish = backward_weights_finish;
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
