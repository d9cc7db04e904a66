// SPDX-License-Identifier: Apache-2.0
// Gradients of first layers' weights, from an NCHW source of few channels and a channel-blocked diff_dst, one register tile:
//
//   sums[c][r][s][k] += sum over p, q of diff_dst[k][p][q] * src[c][p*stride + r*dilation][q*stride + s]
//
// for neighbouring s, one or more pairs (c, r), and a panel of one or two vectors of output channels k.
// src: rows with their padding, [c][row][column], from which each tap is broadcast. diff_dst: [k / lanes][p][q][lanes]
// of float32 or bf16.
// Up to half a vector of output channels (LeNet's 6), stride 1: lanes 2k and 2k + 1 hold channel k of two neighbouring pixels,
// whose taps are neighbours too.
// Registers: lines x taps x vectors sums, which stay over all the pixels; the vectors of diff_dst, one broadcast; see blocking.h.
#include <utility>

#include "conv2d/backward_weights_first.h"
#include "conv2d/backward_weights_sums.inl.h"
#include "conv2d/blocking.h"
#include "sextant/sextant.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Element, int Vectors, int Taps, int Lines>
void backward_weights_first(const backward_weights_first_tile& t) {
    vec sum[Lines][Taps][Vectors] = {};
    for (int y = 0; y < t.rows; ++y) {
        const float* line[Lines];
#pragma GCC unroll 5
        for (int i = 0; i < Lines; ++i) line[i] = t.lines[i] + y * t.src_row;
        const Element* diff = static_cast<const Element*>(t.diff) + y * t.diff_row;
        const Element* ahead = static_cast<const Element*>(t.ahead) + y * t.diff_row;
#pragma GCC unroll 1
        for (int x = 0; x < t.columns; ++x, diff += lanes, ahead += lanes) {
            __builtin_prefetch(ahead, 0, 2);
            vec d[Vectors];
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v) d[v] = load(diff + v * t.diff_plane);
#pragma GCC unroll 5
            for (int i = 0; i < Lines; ++i) {
#pragma GCC unroll 16
                for (int s = 0; s < Taps; ++s) {
                    const vec b = broadcast(line[i][s]);
#pragma GCC unroll 2
                    for (int v = 0; v < Vectors; ++v) sum[i][s][v] += b * d[v];
                }
                line[i] += t.src_column;
            }
        }
    }
#pragma GCC unroll 5
    for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 16
        for (int s = 0; s < Taps; ++s)
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v) {
                float* const sums = t.sums + i * t.sums_line + (s * Vectors + v) * lanes;
                store(sums, load(sums) + sum[i][s][v]);
            }
}

#if SEXTANT_LANES == 16
template <class Element, int Taps, int Lines>
void backward_weights_first_pairs(const backward_weights_first_tile& t) {
    vec sum[Lines][Taps] = {};
    for (int y = 0; y < t.rows; ++y) {
        const Element* diff = static_cast<const Element*>(t.diff) + y * t.diff_row;
#pragma GCC unroll 1
        for (int x = 0; x < t.columns; x += 2, diff += 2 * lanes) {
            const vec second = x + 1 < t.columns ? load(diff + lanes) : vec{};
            const vec d = __builtin_shufflevector(load(diff), second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#pragma GCC unroll 5
            for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 16
                for (int s = 0; s < Taps; ++s) sum[i][s] += broadcast_pair(t.lines[i] + y * t.src_row + x + s) * d;
        }
    }
#pragma GCC unroll 5
    for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 16
        for (int s = 0; s < Taps; ++s) {
            float* const sums = t.sums + i * t.sums_line + s * lanes;
            store(sums, load(sums) + (even_lanes(sum[i][s], vec{}) + odd_lanes(sum[i][s], vec{})));
        }
}
#endif

template <class Element, int Vectors, int Taps, int... Lines>
constexpr void fill_lines(backward_weights_first_kernels& table, std::integer_sequence<int, Lines...>) {
    table.taps[Vectors - 1] = Taps;
    table.lines[Vectors - 1][Taps] = sizeof...(Lines);
    ((table.tiles[Vectors - 1][Taps][Lines + 1] = backward_weights_first<Element, Vectors, Taps, Lines + 1>), ...);
#if SEXTANT_LANES == 16
    if constexpr (Vectors == 1)
        ((table.pairs[Taps][Lines + 1] = backward_weights_first_pairs<Element, Taps, Lines + 1>), ...);
#endif
}

/// Taps + 1 side by side, in as many lines as there are registers for.
template <class Element, int Vectors, int... Taps>
constexpr void fill_taps(backward_weights_first_kernels& table, std::integer_sequence<int, Taps...>) {
    constexpr int most = backward_weights_first_tile::most_lines;
    (fill_lines<Element, Vectors, Taps + 1>(
         table, std::make_integer_sequence<int, std::min(most, first_gradient_sums / Vectors / (Taps + 1))>{}),
     ...);
}

template <class Element>
constexpr backward_weights_first_kernels backward_weights_first_table() {
    constexpr int most = backward_weights_first_kernels::most_taps;
    backward_weights_first_kernels table{};
    table.lanes = lanes;
    table.dtype = std::is_same_v<Element, float> ? SEXTANT_F32 : SEXTANT_BF16;
    fill_taps<Element, 1>(table, std::make_integer_sequence<int, std::min(most, first_gradient_sums)>{});
    fill_taps<Element, 2>(table, std::make_integer_sequence<int, std::min(most, first_gradient_sums / 2)>{});
    table.plane = backward_weights_add_plane<Element>;
    table.finish = backward_weights_finish;
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
