// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering F(m x m, r x r) on channel-blocked tensors, stride 1: each m x m tile of the output comes from
//
//   dst = A^T [ sum over c of (G weights G^T) . (B^T src B) ] A,      (m + r - 1)^2 products a tile and channel, not r^2 m^2
//
// src, dst, residual: [c / lanes][row][column][lanes]. V, U, M: see winograd.h.
// F(4x4, 3x3) and F(2x2, 5x5) interpolate at 0, 5/8, -5/8, 3/2, -3/2 and infinity: half the error of 0, +-1, +-2 at the same cost,
// and the squares are exact in float32. F(2x2, 3x3) uses 0, +-1, infinity. B depends on the points only. The vertical transform is
// shared by neighbouring tiles of a strip.
// Registers of the product: tiles x vectors sums (AVX-512: 14 x 2 of 32), the weights' two vectors, one broadcast; see blocking.h.
// After Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308; the points after Barabasz et al.,
// "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", arXiv:1803.10986.
#include <utility>

#include "conv2d/activate.inl.h"
#include "conv2d/blocking.h"
#include "conv2d/winograd.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// B^T over four or six neighbouring elements.
template <int Size>
SEXTANT_INLINE void transform_source(const vec* d, vec* t) {
    if constexpr (Size == 4) {
        t[0] = d[2] - d[0];
        t[1] = d[2] + d[1];
        t[2] = d[2] - d[1];
        t[3] = d[3] - d[1];
    } else {
        constexpr float a = 0.625f, b = 1.5f, a2 = a * a, b2 = b * b;
        const vec even_a = d[4] - b2 * d[2], odd_a = a * (d[3] - b2 * d[1]);
        const vec even_b = d[4] - a2 * d[2], odd_b = b * (d[3] - a2 * d[1]);
        t[0] = (a2 * b2) * d[0] + (d[4] - (a2 + b2) * d[2]);
        t[1] = even_a + odd_a;
        t[2] = even_a - odd_a;
        t[3] = even_b + odd_b;
        t[4] = even_b - odd_b;
        t[5] = (a2 * b2) * d[1] + (d[5] - (a2 + b2) * d[3]);
    }
}

/// A^T: `M` results of `Size` products.
template <int M, int Size>
SEXTANT_INLINE void transform_result(const vec* m, vec* y) {
    if constexpr (Size == 4) {
        y[0] = m[0] + m[1] + m[2];
        y[1] = m[1] - m[2] + m[3];
    } else {
        constexpr float a = 0.625f, b = 1.5f, a2 = a * a, b2 = b * b;
        const vec sum_a = m[1] + m[2], difference_a = a * (m[1] - m[2]);
        const vec sum_b = m[3] + m[4], difference_b = b * (m[3] - m[4]);
        y[0] = m[0] + sum_a + sum_b;
        y[1] = difference_a + difference_b;
        if constexpr (M == 2) {
            y[1] += m[5];
        } else {
            y[2] = a2 * sum_a + b2 * sum_b;
            y[3] = a2 * difference_a + (b2 * difference_b + m[5]);
        }
    }
}

template <int M, int R, class Element>
void winograd_source(const winograd_strip& strip) {
    constexpr int size = M + R - 1;
    const int columns = strip.tiles * M + R - 1;
    float* column = strip.columns;
    for (int x = strip.first_column; x < strip.first_column + columns; ++x, column += size * lanes) {
        vec t[size] = {};
        if (x >= 0 && x < strip.width) {
            vec d[size];
#pragma GCC unroll 6
            for (int i = 0; i < size; ++i) d[i] = load(static_cast<const Element*>(strip.rows[i]) + x * strip.step[i]);
            transform_source<size>(d, t);
        }
#pragma GCC unroll 6
        for (int i = 0; i < size; ++i) store(column + i * lanes, t[i]);
    }
    for (int i = 0; i < strip.tiles; ++i) {
        const int tile = strip.first_tile + i;
        float* v = strip.v + tile / strip.group_tiles * strip.group + tile % strip.group_tiles * lanes;
        column = strip.columns + i * M * size * lanes;
#pragma GCC unroll 6
        for (int y = 0; y < size; ++y) {
            vec d[size], t[size];
#pragma GCC unroll 6
            for (int x = 0; x < size; ++x) d[x] = load(column + (x * size + y) * lanes);
            transform_source<size>(d, t);
#pragma GCC unroll 6
            for (int x = 0; x < size; ++x) store(v + (y * size + x) * strip.frequency, t[x]);
        }
    }
}

/// Adds `Channels` (or, when 0, `channels`) input channels to the sums.
template <int Tiles, int Vectors, int Channels>
SEXTANT_INLINE void add_channels(vec (&sum)[Tiles][Vectors], const float* v, const float* u, int channels) {
#pragma GCC unroll 4
    for (int c = 0; c < (Channels ? Channels : channels); ++c) {
        vec w[Vectors];
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i) w[i] = load(u + (c * Vectors + i) * lanes);
#pragma GCC unroll 16
        for (int t = 0; t < Tiles; ++t) {
            const vec b = broadcast(v[t * lanes + c]);
#pragma GCC unroll 2
            for (int i = 0; i < Vectors; ++i) sum[t][i] += b * w[i];
        }
    }
}

template <int Tiles, int Vectors>
void winograd_multiply(const winograd_product& a) {
    vec sum[Tiles][Vectors] = {};
    const float *v = a.v, *u = a.u, *next = a.next;
    for (int block = 0; block < a.blocks; ++block, v += tile_pixels * lanes, u += lanes * Vectors * lanes) {
        for (int i = 0; i < a.next_lines; ++i, next += 16) __builtin_prefetch(next, 0, 2);
        add_channels<Tiles, Vectors, lanes>(sum, v, u, lanes);
    }
    if (a.tail_channels) add_channels<Tiles, Vectors, 0>(sum, v, u, a.tail_channels);
#pragma GCC unroll 16
    for (int t = 0; t < Tiles; ++t)
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i) {
            float* m = a.m + (t * Vectors + i) * lanes;
            store(m, a.add ? sum[t][i] + load(m) : sum[t][i]);
        }
}

template <int M, int R, class Element>
void winograd_finish(const winograd_result& a) {
    constexpr int size = M + R - 1;
    const vec bias = load(a.bias);
    for (int tile = 0; tile < a.tiles; ++tile) {
        const int number = a.first_tile + tile;
        const float* m = a.m + number / a.group_tiles * a.group + number % a.group_tiles * a.slot;
        vec down[M][size];
#pragma GCC unroll 6
        for (int x = 0; x < size; ++x) {
            vec column[size], y[M];
#pragma GCC unroll 6
            for (int i = 0; i < size; ++i) column[i] = load(m + (i * size + x) * a.frequency);
            transform_result<M, size>(column, y);
#pragma GCC unroll 4
            for (int i = 0; i < M; ++i) down[i][x] = y[i];
        }
        const int columns = a.columns - tile * M;
        Element* dst = static_cast<Element*>(a.dst) + tile * M * lanes;
        const Element* residual = static_cast<const Element*>(a.residual) + tile * M * lanes;
#pragma GCC unroll 4
        for (int i = 0; i < M; ++i, dst += a.dst_row, residual += a.residual_row) {
            if (i >= a.rows) break;
            vec y[M];
            transform_result<M, size>(down[i], y);
#pragma GCC unroll 4
            for (int j = 0; j < M; ++j) {
                if (j >= columns) break;
                vec out = y[j] + bias;
                if (a.residual) out += load(residual + j * lanes);
                if (a.activation == SEXTANT_RELU) out = relu(out);
                else if (a.activation) out = activate_vector(out, a.activation);
                store(dst + j * lanes, out);
            }
        }
    }
}

template <int Vectors, int... Tiles>
constexpr void fill_products(winograd_kernels& table, std::integer_sequence<int, Tiles...>) {
    ((table.product[Vectors - 1][Tiles + 1] = winograd_multiply<Tiles + 1, Vectors>), ...);
}

template <int M, int R, class Element>
constexpr winograd_kernels winograd_table(int32_t dtype) {
    winograd_kernels table{};
    table.m = M;
    table.r = R;
    table.lanes = lanes;
    table.tiles = tile_pixels;
    table.dtype = dtype;
    table.source = winograd_source<M, R, Element>;
    table.result = winograd_finish<M, R, Element>;
    fill_products<1>(table, std::make_integer_sequence<int, tile_pixels>{});
    fill_products<2>(table, std::make_integer_sequence<int, tile_pixels>{});
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
