// SPDX-License-Identifier: Apache-2.0
// Winograd's weights: U = G w G^T for a vector of output channels at a time.
//
// w: [channel][r][s][lanes]; U: each frequency by itself, in it a vector per channel (winograd.h). Row j of G holds the powers of
// point j over the product of its distances to the others, the last row those of infinity. In double, half a vector at a time:
// U is then as right as a float can be.
// Registers: size numbers in double between the two directions, r x r weights, and G as constants.
#include <utility>

#include "conv2d/weights.inl.h"
#include "conv2d/winograd.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

inline constexpr int half_lanes = lanes / 2;
typedef double double_half __attribute__((vector_size(half_lanes * 8)));
typedef float float_half __attribute__((vector_size(half_lanes * 4)));

template <int M, int R>
struct weight_matrix {
    static constexpr int size = M + R - 1;
    double g[size][R] = {};

    constexpr weight_matrix() {
        constexpr double six[] = {0, winograd_a, -winograd_a, winograd_b, -winograd_b}, four[] = {0, 1, -1};
        for (int j = 0; j + 1 < size; ++j) {
            const double* points = size == 6 ? six : four;
            double value = 1;
            for (int i = 0; i + 1 < size; ++i)
                if (i != j) value /= points[j] - points[i];
            for (int i = 0; i < R; ++i, value *= points[j]) g[j][i] = value;
        }
        g[size - 1][R - 1] = 1;
    }
};

/// Half a vector: sum over i of G[Row][i] * w[i], without the zeros.
template <int M, int R, int Row>
SEXTANT_INLINE double_half weight_point(const double_half (&w)[R]) {
    constexpr weight_matrix<M, R> matrix;
    if constexpr (Row == 0) return matrix.g[0][0] * w[0];
    else if constexpr (Row == M + R - 2) return w[R - 1];
    else {
        double_half sum = matrix.g[Row][0] * w[0];
#pragma GCC unroll 5
        for (int i = 1; i < R; ++i) sum += matrix.g[Row][i] * w[i];
        return sum;
    }
}

template <int M, int R, int... Row>
SEXTANT_INLINE void weight_points(const double_half (&w)[R], double_half (&t)[M + R - 1], std::integer_sequence<int, Row...>) {
    ((t[Row] = weight_point<M, R, Row>(w)), ...);
}

/// G w G^T of half the lanes, frequency by frequency.
template <int M, int R>
SEXTANT_INLINE void weight_frequencies(const float* w, float_half (&u)[(M + R - 1) * (M + R - 1)]) {
    constexpr int size = M + R - 1;
    constexpr auto rows = std::make_integer_sequence<int, size>{};
    double_half down[R][size];  // [column][row]
#pragma GCC unroll 5
    for (int s = 0; s < R; ++s) {
        double_half column[R];
#pragma GCC unroll 5
        for (int r = 0; r < R; ++r)
            column[r] = __builtin_convertvector(*reinterpret_cast<const float_half*>(w + (r * R + s) * lanes), double_half);
        weight_points<M, R>(column, down[s], rows);
    }
#pragma GCC unroll 6
    for (int y = 0; y < size; ++y) {
        double_half row[R], t[size];
#pragma GCC unroll 5
        for (int s = 0; s < R; ++s) row[s] = down[s][y];
        weight_points<M, R>(row, t, rows);
#pragma GCC unroll 6
        for (int x = 0; x < size; ++x) u[y * size + x] = __builtin_convertvector(t[x], float_half);
    }
}

/// Element: of the source, to which weights are rounded.
template <int M, int R, class Element>
void winograd_weights(const float* weights, int channels, float* u, int64_t channel, int64_t frequency, bool streamed) {
    constexpr int frequencies = (M + R - 1) * (M + R - 1);
    for (int c = 0; c < channels; ++c, u += channel, weights += R * R * lanes) {
        const float* w = weights;
#if defined(__AVX512BF16__)
        alignas(64) float rounded[R * R * lanes];
        if constexpr (std::is_same_v<Element, bfloat16>) {
            for (int i = 0; i < R * R * lanes; i += lanes)
                store(rounded + i, from_bits(rounded_to_bf16(load(weights + i)) & ~0xffff));
            w = rounded;
        }
#endif
        struct alignas(lanes * 4) {
            float_half low[frequencies], high[frequencies];
        } made;
        weight_frequencies<M, R>(w, made.low);
        weight_frequencies<M, R>(w + half_lanes, made.high);
        for (int f = 0; f < frequencies; ++f) {
            union {
                float_half halves[2];
                vec whole;
            } both = {{made.low[f], made.high[f]}};
            if (streamed) stream(u + f * frequency, both.whole);
            else store(u + f * frequency, both.whole);
        }
    }
    if (streamed) _mm_sfence();
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
