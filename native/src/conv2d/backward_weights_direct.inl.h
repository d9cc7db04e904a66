// SPDX-License-Identifier: Apache-2.0
// Gradients of weights by direct sums on channel-blocked tensors, one register tile:
//
//   sums[c][k] += sum over n, p, q of diff_dst[n][k][p][q] * src[n][c][p*stride + r*dilation][q*stride + s*dilation]
//
// for one tap (r, s), a few input channels c and a panel of one or two vectors of output channels k.
// Written once for float32 and bf16 (simd/product.inl.h), whose multiply-add takes one pixel or two.
// src, diff_dst, float32: [c / lanes][row][column][lanes]; only pixels inside the image are visited, so padding needs nothing.
// bf16: [c / lanes][row][pair of columns][lanes][2], packed strip by strip, with zeros where the padding or no partner is.
// Registers: channels x vectors sums, which stay over all the pixels; per pixel or pair the vectors of diff_dst are loaded and
// each channel's src broadcast; see blocking.h.
// The sums begin at zero and are added to memory at the end: rounding errors grow with the length of a sum.
// After Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures", SC18,
// arXiv:1808.05567, sec. II-J.
#include <utility>

#include "conv2d/backward_weights_direct.h"
#include "conv2d/backward_weights_sums.inl.h"
#include "conv2d/blocking.h"
#include "simd/product.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Format, int Channels, int Vectors>
void backward_weights_multiply(const backward_weights_tile<Format>& t) {
    using element = typename Format::element;
    using dot = product<Format>;
    constexpr int pixels = Format::channels;
    vec sum[Channels][Vectors] = {};
    for (int n = 0; n < t.images; ++n)
        for (int y = 0; y < t.rows; ++y) {
            const element* src = t.src + n * t.src_image + y * t.src_row;
            const element* diff = t.diff + n * t.diff_image + y * t.diff_row;
            const element* ahead = t.ahead + y * t.ahead_row;
#pragma GCC unroll 1
            for (int x = 0; x < t.columns; ++x, src += t.src_column, diff += pixels * lanes, ahead += t.ahead_column) {
                __builtin_prefetch(ahead, 0, 2);
                typename dot::factor d[Vectors];
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) d[v] = dot::weights(diff + v * t.diff_plane);
#pragma GCC unroll 16
                for (int c = 0; c < Channels; ++c) {
                    const typename dot::factor b = dot::pixel(src + c * pixels);
#pragma GCC unroll 2
                    for (int v = 0; v < Vectors; ++v) dot::add(sum[c][v], b, d[v]);
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

#if defined(__AVX512BF16__)
/// The channels of a pixel, and of two pixels one after the other.
typedef short channels16 __attribute__((vector_size(32), aligned(2), may_alias));
typedef short channels32 __attribute__((vector_size(64), aligned(2), may_alias));

static void backward_weights_pack(const backward_weights_pairs& a) {
    const auto pixel = [&](int x) {
        return x >= 0 && x < a.width ? *reinterpret_cast<const channels16*>(a.row + int64_t{x} * lanes) : channels16{};
    };
    const auto store_pair = [&](int i, channels32 both) {
        *reinterpret_cast<channels32*>(a.pairs + int64_t{i} * 2 * lanes) =
            __builtin_shufflevector(both, both, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11,
                                    27, 12, 28, 13, 29, 14, 30, 15, 31);
    };
    const auto store_pixels = [&](int i, channels16 p, channels16 q) {
        store_pair(i, __builtin_shufflevector(p, q, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                              22, 23, 24, 25, 26, 27, 28, 29, 30, 31));
    };
    // Pairs that lie inside the row altogether.
    const int begin = a.first < 0 ? (-a.first + a.step - 1) / a.step : 0;
    const int room = a.width - a.partner - a.first, end = std::max(begin, room > 0 ? (room - 1) / a.step + 1 : 0);
    for (int i = 0; i < std::min(begin, a.count); ++i)
        store_pixels(i, pixel(a.first + i * a.step), pixel(a.first + i * a.step + a.partner));
    const bfloat16* row = a.row + (a.first + int64_t{begin} * a.step) * lanes;
    const int64_t step = int64_t{a.step} * lanes, partner = int64_t{a.partner} * lanes;
    if (a.partner == 1) {
        for (int i = begin; i < std::min(end, a.count); ++i, row += step)
            store_pair(i, *reinterpret_cast<const channels32*>(row));
    } else {
        for (int i = begin; i < std::min(end, a.count); ++i, row += step)
            store_pixels(i, *reinterpret_cast<const channels16*>(row), *reinterpret_cast<const channels16*>(row + partner));
    }
    for (int i = end; i < a.count; ++i)
        store_pixels(i, pixel(a.first + i * a.step), pixel(a.first + i * a.step + a.partner));
}
#endif

template <class Format, int Vectors, int... Channels>
constexpr void fill_channels(backward_weights_direct_kernels<Format>& table, std::integer_sequence<int, Channels...>) {
    table.channels[Vectors - 1] = sizeof...(Channels);
    ((table.tiles[Vectors - 1][Channels + 1] = backward_weights_multiply<Format, Channels + 1, Vectors>), ...);
}

template <class Format>
constexpr backward_weights_direct_kernels<Format> backward_weights_direct_table() {
    backward_weights_direct_kernels<Format> table{};
    table.lanes = lanes;
    fill_channels<Format, 1>(table, std::make_integer_sequence<int, gradient_channels[0]>{});
    fill_channels<Format, 2>(table, std::make_integer_sequence<int, gradient_channels[1]>{});
    table.plane = backward_weights_add_plane<typename Format::element>;
    table.finish = backward_weights_finish;
#if defined(__AVX512BF16__)
    if constexpr (Format::channels == 2) table.pack = backward_weights_pack;
#endif
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
