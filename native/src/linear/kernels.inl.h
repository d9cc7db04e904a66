// SPDX-License-Identifier: Apache-2.0
// Fully connected, one register tile: a chunk of features for `Rows` images and a panel of `Vectors` vectors of outputs.
//
//   sums[row][j] (+)= sum over i of src[i][row] * weights[i][j]
//
// src: [feature][row], weights: [feature][Vectors * lanes], both streamed. Registers: Rows x Vectors sums (AVX-512: up to 28
// of 32), the rest for weights and a broadcast; see blocking.h.
// The weights are read once per run from memory, whose speed is the limit for few images: they are fetched well ahead.
#include <utility>

#include "linear/blocking.h"
#include "linear/kernels.h"
#include "simd/activation.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <int Rows, int Vectors>
void linear(const linear_tile& t) {
    vec sum[Rows][Vectors];
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) sum[row][v] = vec{};

    const float *src = t.src, *weights = t.weights, *ahead = t.ahead;
    for (int i = 0; i < t.features; ++i, src += Rows, weights += Vectors * lanes, ahead += t.ahead_step) {
#pragma GCC unroll 8
        for (int j = 0; j < Vectors * lanes; j += 16) __builtin_prefetch(ahead + j);
        if constexpr (Rows == 1) {
            const vec b = broadcast(*src);
#pragma GCC unroll 8
            for (int v = 0; v < Vectors; ++v) sum[0][v] += b * load(weights + v * lanes);
        } else {
            vec w[Vectors];
#pragma GCC unroll 8
            for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * lanes);
#pragma GCC unroll 16
            for (int row = 0; row < Rows; ++row) {
                const vec b = broadcast(src[row]);
#pragma GCC unroll 8
                for (int v = 0; v < Vectors; ++v) sum[row][v] += b * w[v];
            }
        }
    }

#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) {
            float* to = t.sums + row * t.sums_pitch + v * lanes;
            store(to, t.add ? load(to) + sum[row][v] : sum[row][v]);
        }
}

static void finish(float* dst, const float* sums, const float* bias, int64_t count, int activation) {
    for (int64_t j = 0; j < count; j += lanes) {
        const vec x = activate(activation, load(sums + j) + load(bias + j));
        if (count - j >= lanes) {
            store_unaligned(dst + j, x);
            continue;
        }
        alignas(64) float last[lanes];
        store(last, x);
        for (int64_t i = j; i < count; ++i) dst[i] = last[i - j];
    }
}

template <int Rows, int... Vectors>
constexpr void fill_linear(linear_kernels& table, std::integer_sequence<int, Vectors...>) {
    ((table.tiles[Rows][Vectors + 1] = linear<Rows, Vectors + 1>), ...);
}

template <int... Rows>
constexpr linear_kernels linear_table(std::integer_sequence<int, Rows...>) {
    linear_kernels table{};
    table.lanes = lanes;
    table.rows = linear_rows;
    table.sums = linear_sums;
    table.finish = finish;
    (fill_linear<Rows + 1>(table, std::make_integer_sequence<int, linear_vectors(Rows + 1, linear_sums)>{}), ...);
    return table;
}

constexpr linear_kernels linear_table() { return linear_table(std::make_integer_sequence<int, linear_rows>{}); }

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
