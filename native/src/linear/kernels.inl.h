// SPDX-License-Identifier: Apache-2.0
// Fully connected, one register tile: a chunk of features for `Rows` images and a panel of `Vectors` vectors of outputs.
//
//   sums[row][j] (+)= sum over i of src[i][row] * weights[i][j]
//
// Written once for float32, bf16 and uint8 (simd/formats.h), whose multiply-add takes 1, 2 or 4 features.
// src: [feature / channels][row][channels], weights: [feature / channels][Vectors * lanes][channels], both streamed.
// Registers: Rows x Vectors sums (AVX-512: up to 28 of 32), the rest for weights and a broadcast; see blocking.h.
// The weights are read once per run from memory, whose speed is the limit for few images: they are fetched well ahead, and
// narrow ones take half or a quarter of the time.
#include <type_traits>
#include <utility>

#include "linear/blocking.h"
#include "linear/kernels.h"
#include "simd/activation.inl.h"
#include "simd/product.inl.h"
#if defined(__AVX512BF16__)
#include "simd/narrow.inl.h"
#endif

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Format, int Rows, int Vectors>
void linear(const linear_tile<Format>& t) {
    using dot = product<Format>;
    constexpr int channels = Format::channels;
    typename dot::sums sum[Rows][Vectors];
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) sum[row][v] = typename dot::sums{};

    const auto* src = t.src;
    const auto* weights = t.weights;
    const std::byte* ahead = t.ahead;
    for (int i = 0; i < t.steps; ++i, src += Rows * channels, weights += Vectors * lanes * channels, ahead += t.ahead_step) {
#pragma GCC unroll 8
        for (int j = 0; j < Vectors * lanes; j += 16) __builtin_prefetch(ahead + 4 * j);
        if constexpr (Rows == 1) {
            const auto b = dot::pixel(src);
#pragma GCC unroll 8
            for (int v = 0; v < Vectors; ++v) dot::add(sum[0][v], b, dot::weights(weights + v * lanes * channels));
        } else {
            typename dot::factor w[Vectors];
#pragma GCC unroll 8
            for (int v = 0; v < Vectors; ++v) w[v] = dot::weights(weights + v * lanes * channels);
#pragma GCC unroll 16
            for (int row = 0; row < Rows; ++row) {
                const auto b = dot::pixel(src + row * channels);
#pragma GCC unroll 8
                for (int v = 0; v < Vectors; ++v) dot::add(sum[row][v], b, w[v]);
            }
        }
    }

#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) {
            auto* to = t.sums + row * t.sums_pitch + v * lanes;
            dot::store_sums(to, t.add ? dot::load_sums(to) + sum[row][v] : sum[row][v]);
        }
}

/// The first `count` lanes.
SEXTANT_INLINE void store_some(float* dst, vec x, int64_t count) {
    if (count >= lanes) return store_unaligned(dst, x);
    alignas(64) float last[lanes];
    store(last, x);
    for (int64_t i = 0; i < count; ++i) dst[i] = last[i];
}

#if defined(__AVX512BF16__)

template <class Narrow>
SEXTANT_INLINE void store_some(Narrow* dst, vec x, int64_t count) {
    if (count >= lanes) store_unaligned(dst, x);
    else store_masked(dst, x, first_lanes_mask(static_cast<int>(count)));
}

#endif

template <class Format>
static void finish(const linear_finish<Format>& t) {
    for (int64_t j = 0; j < t.count; j += lanes) {
        vec x = load(t.bias + j);
        if constexpr (std::is_same_v<Format, u8_format>)
            x += to_float(product<Format>::load_sums(t.sums + j) + product<Format>::load_sums(t.initial + j)) * load(t.scale + j);
        else x += load(t.sums + j);
        x = activate(t.activation, x);
#if defined(__AVX512BF16__)
        if (t.shape->dtype == SEXTANT_BF16) store_some(static_cast<bfloat16*>(t.dst) + j, x, t.count - j);
        else if (t.shape->dtype == SEXTANT_U8)
            store_some(static_cast<uint8_t*>(t.dst) + j, x / t.shape->scale + static_cast<float>(t.shape->zero_point), t.count - j);
        else
#endif
            store_some(static_cast<float*>(t.dst) + j, x, t.count - j);
    }
}

template <class Format, int Rows, int... Vectors>
constexpr void fill_linear(linear_kernels<Format>& table, std::integer_sequence<int, Vectors...>) {
    ((table.tiles[Rows][Vectors + 1] = linear<Format, Rows, Vectors + 1>), ...);
}

template <class Format, int... Rows>
constexpr linear_kernels<Format> linear_table(std::integer_sequence<int, Rows...>) {
    linear_kernels<Format> table{};
    table.lanes = lanes;
    table.rows = linear_rows;
    table.sums = linear_sums;
    table.finish = finish<Format>;
    (fill_linear<Format, Rows + 1>(table, std::make_integer_sequence<int, linear_vectors(Rows + 1, linear_sums)>{}), ...);
    return table;
}

template <class Format>
constexpr linear_kernels<Format> linear_table(bool only_narrow = false) {
    auto table = linear_table<Format>(std::make_integer_sequence<int, linear_rows>{});
    table.only_narrow = only_narrow;
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
