// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering F(m x m, r x r) on channel-blocked tensors, stride 1: each m x m tile of the output comes from
//
//   dst = A^T [ sum over c of (G weights G^T) . (B^T src B) ] A,      (m + r - 1)^2 products a tile and channel, not r^2 m^2
//
// src, dst, residual: [c / lanes][row][column][lanes]. V, U, M: see winograd.h.
// F(4x4, 3x3) and F(2x2, 5x5) interpolate at 0, 5/8, -5/8, 3/2, -3/2 and infinity: half the error of 0, +-1, +-2 at the same cost,
// and the squares are exact in float32. F(2x2, 3x3) uses 0, +-1, infinity. B depends on the points only.
// A vector holds one pixel's channels, so that the transforms are plain arithmetic on vectors. They go over the rows of their
// result one or two at a time: what lies between their two directions then stays in registers, and stores are what a core has
// fewest of. Neighbouring tiles share the columns in which they overlap.
// Registers of the product: tiles x vectors sums (AVX-512: 14 x 2 of 32), the weights' two vectors, one broadcast; see blocking.h.
// After Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308; the points after Barabasz et al.,
// "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", arXiv:1803.10986.
#include <utility>

#include "conv2d/activate.inl.h"
#include "conv2d/blocking.h"
#include "conv2d/weights.inl.h"
#include "conv2d/winograd.h"
#include "conv2d/winograd_weights.inl.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

inline constexpr float winograd_a1 = winograd_a, winograd_a2 = winograd_a * winograd_a, winograd_a3 = winograd_a2 * winograd_a;
inline constexpr float winograd_b1 = winograd_b, winograd_b2 = winograd_b * winograd_b, winograd_b3 = winograd_b2 * winograd_b;

/// B^T over four or six neighbouring elements.
template <int Size>
SEXTANT_INLINE void transform_source(const vec (&d)[Size], vec (&t)[Size]) {
    if constexpr (Size == 4) {
        t[0] = d[2] - d[0];
        t[1] = d[2] + d[1];
        t[2] = d[2] - d[1];
        t[3] = d[3] - d[1];
    } else {
        constexpr float a = winograd_a1, b = winograd_b1, a2 = winograd_a2, b2 = winograd_b2;
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
SEXTANT_INLINE void transform_result(const vec (&m)[Size], vec (&y)[M]) {
    if constexpr (Size == 4) {
        y[0] = m[0] + (m[1] + m[2]);
        y[1] = (m[1] - m[2]) + m[3];
    } else {
        const vec sum_a = m[1] + m[2], difference_a = m[1] - m[2];
        const vec sum_b = m[3] + m[4], difference_b = m[3] - m[4];
        y[0] = (m[0] + sum_a) + sum_b;
        y[1] = winograd_a1 * difference_a + winograd_b1 * difference_b;
        if constexpr (M == 2) {
            y[1] += m[5];
        } else {
            y[2] = winograd_a2 * sum_a + winograd_b2 * sum_b;
            y[3] = winograd_a3 * difference_a + (winograd_b3 * difference_b + m[5]);
        }
    }
}

/// Rows First ... First + Count - 1 of B^T src B, for all tiles of the strip.
template <int M, int R, int First, int Count, class Element>
SEXTANT_INLINE void source_rows(const winograd_strip& strip) {
    constexpr int size = M + R - 1, shared = R - 1;
    const auto column = [&](int x, vec (&t)[Count]) __attribute__((always_inline)) {
        if (static_cast<unsigned>(x) >= static_cast<unsigned>(strip.width)) {
#pragma GCC unroll 4
            for (int i = 0; i < Count; ++i) t[i] = vec{};
            return;
        }
        vec d[size], all[size];
#pragma GCC unroll 6
        for (int i = 0; i < size; ++i) d[i] = load(static_cast<const Element*>(strip.rows[i]) + int64_t{x} * lanes);
        transform_source<size>(d, all);
#pragma GCC unroll 4
        for (int i = 0; i < Count; ++i) t[i] = all[First + i];
    };
    vec columns[size][Count];
    int x = strip.first_column;
#pragma GCC unroll 4
    for (int j = 0; j < shared; ++j) column(x++, columns[M + j]);
    float* v = strip.v + First * size * strip.frequency;
    for (int tile = 0; tile < strip.tiles; ++tile, v += lanes) {
#pragma GCC unroll 4
        for (int j = 0; j < shared; ++j)
#pragma GCC unroll 4
            for (int i = 0; i < Count; ++i) columns[j][i] = columns[M + j][i];
#pragma GCC unroll 6
        for (int j = shared; j < size; ++j) column(x++, columns[j]);
#pragma GCC unroll 4
        for (int i = 0; i < Count; ++i) {
            vec d[size], t[size];
#pragma GCC unroll 6
            for (int j = 0; j < size; ++j) d[j] = columns[j][i];
            transform_source<size>(d, t);
#pragma GCC unroll 6
            for (int j = 0; j < size; ++j) store(v + (i * size + j) * strip.frequency, t[j]);
        }
    }
}

template <int M, int R, class Element>
void winograd_source(const winograd_strip& strip) {
    if constexpr (M + R - 1 == 4) {
        source_rows<M, R, 0, 4, Element>(strip);
    } else {  // the pairs at a point and its negative share their arithmetic
        source_rows<M, R, 0, 1, Element>(strip);
        source_rows<M, R, 1, 2, Element>(strip);
        source_rows<M, R, 3, 2, Element>(strip);
        source_rows<M, R, 5, 1, Element>(strip);
    }
}

/// Adds `Channels` (or, when 0, `channels`) input channels to the sums.
template <int Tiles, int Vectors, int Channels>
SEXTANT_INLINE void add_channels(vec (&sum)[Tiles][Vectors], const float* v, const float* u, int channels) {
#pragma GCC unroll unrolled_steps
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
    for (int block = 0; block < a.blocks; ++block, v += a.v_block, u += lanes * Vectors * lanes) {
        for (int i = 0; i < a.next_lines; ++i, next += 16) __builtin_prefetch(next, 0, 2);
        add_channels<Tiles, Vectors, lanes>(sum, v, u, lanes);
    }
    if (a.tail_channels) add_channels<Tiles, Vectors, 0>(sum, v, u, a.tail_channels);
#pragma GCC unroll 2
    for (int i = 0; i < Vectors; ++i)
#pragma GCC unroll 16
        for (int t = 0; t < Tiles; ++t) {
            float* m = a.m + i * a.m_block + t * lanes;
            store(m, a.add ? sum[t][i] + load(m) : sum[t][i]);
        }
}

/// Rows First and First + Step of one tile's results, as far as they exist.
template <int M, int R, int First, int Step, class Element>
SEXTANT_INLINE void result_rows(const winograd_result& a, const float* m, vec bias, int64_t tile) {
    constexpr int size = M + R - 1;
    vec down[2][size];
#pragma GCC unroll 6
    for (int x = 0; x < size; ++x) {
        vec column[size], y[M];
#pragma GCC unroll 6
        for (int i = 0; i < size; ++i) column[i] = load(m + (i * size + x) * a.frequency);
        transform_result<M, size>(column, y);
        down[0][x] = y[First];
        down[1][x] = y[First + Step];
    }
    const int64_t columns = a.columns - tile * M;
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
        const int row = First + i * Step;
        if (row >= a.rows) return;
        Element* const dst = static_cast<Element*>(a.dst) + row * a.dst_row + tile * M * lanes;
        const Element* const residual = static_cast<const Element*>(a.residual) + row * a.residual_row + tile * M * lanes;
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

template <int M, int R, class Element>
void winograd_finish(const winograd_result& a) {
    const vec bias = load(a.bias);
    const float* m = a.m;
    for (int tile = 0; tile < a.tiles; ++tile, m += lanes) {
        if constexpr (M == 2) {
            result_rows<M, R, 0, 1, Element>(a, m, bias, tile);
        } else {  // even powers of the points, then odd ones
            result_rows<M, R, 0, 2, Element>(a, m, bias, tile);
            result_rows<M, R, 1, 2, Element>(a, m, bias, tile);
        }
    }
}

template <int Vectors, int... Tiles>
constexpr void fill_products(winograd_kernels& table, std::integer_sequence<int, Tiles...>) {
    ((table.product[Vectors - 1][Tiles + 1] = winograd_multiply<Tiles + 1, Vectors>), ...);
}

template <int M, int R, class Element>
constexpr winograd_kernels winograd_table() {
    winograd_kernels table{};
    table.m = M;
    table.r = R;
    table.lanes = lanes;
    table.tiles = tile_pixels;
    table.whole_groups = winograd_whole_groups;
    table.source = winograd_source<M, R, Element>;
    table.result = winograd_finish<M, R, Element>;
    table.weights = winograd_weights<M, R, Element>;
    table.gather = gather_weights;
    fill_products<1>(table, std::make_integer_sequence<int, tile_pixels>{});
    fill_products<2>(table, std::make_integer_sequence<int, tile_pixels>{});
    return table;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
