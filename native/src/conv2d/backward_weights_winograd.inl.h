// SPDX-License-Identifier: Apache-2.0
// The adjoint of Winograd's F(m x m, r x r) with respect to the weights, on channel-blocked tensors, stride 1:
//
//   diff_weights = G^T [ sum over tiles of (B^T src B) . (A diff_dst A^T) ] G,      (m + r - 1)^2 products a tile, not r^2 m^2
//
// with the points and matrices of the forward convolution (winograd.inl.h), whose transform of the source this shares.
// diff_dst: [k / lanes][row][column][lanes] of float32 or bf16. V, D, U, always float32: see backward_weights_winograd.h.
// The transforms go over the rows of their result one or two at a time, so that what lies between stays in registers.
// After Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308, sec. 4.1.
#include "conv2d/backward_weights_sums.inl.h"
#include "conv2d/backward_weights_winograd.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

inline constexpr int winograd_size = winograd_most_size;
inline constexpr float gradient_a = winograd_a, gradient_b = winograd_b;

/// x to the power of i.
constexpr double power(double x, int i) { return i ? x * power(x, i - 1) : 1; }

/// A: `M` pixels to six frequencies, each the pixels' polynomial at a point: even and odd powers by themselves.
template <int M>
SEXTANT_INLINE void transform_gradient(const vec (&y)[M], vec (&t)[winograd_size]) {
    vec even_a = y[0], even_b = y[0], odd_a = gradient_a * y[1], odd_b = gradient_b * y[1];
    if constexpr (M == 4) {
        constexpr float a2 = power(winograd_a, 2), a3 = power(winograd_a, 3);
        constexpr float b2 = power(winograd_b, 2), b3 = power(winograd_b, 3);
        even_a += a2 * y[2], even_b += b2 * y[2];
        odd_a += a3 * y[3], odd_b += b3 * y[3];
    }
    t[0] = y[0];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = y[M - 1];
}

/// G^T: six frequencies to `R` weights.
template <int R>
SEXTANT_INLINE void transform_weights(const vec (&m)[winograd_size], vec (&w)[R]) {
    constexpr double a2 = winograd_a * winograd_a, b2 = winograd_b * winograd_b;
    constexpr float at_zero = 1 / (a2 * b2), at_a = 1 / (2 * a2 * (a2 - b2)), at_b = 1 / (2 * b2 * (b2 - a2));
    const vec even_a = at_a * (m[1] + m[2]), odd_a = at_a * (m[1] - m[2]);
    const vec even_b = at_b * (m[3] + m[4]), odd_b = at_b * (m[3] - m[4]);
#pragma GCC unroll 5
    for (int i = 0; i < R; ++i) {
        const float a = power(winograd_a, i), b = power(winograd_b, i);
        w[i] = i % 2 ? a * odd_a + b * odd_b : a * even_a + b * even_b;
    }
    w[0] += at_zero * m[0];
    w[R - 1] += m[5];
}

/// Rows First ... First + Count - 1 of A diff_dst A^T, for all tiles of the strip.
template <int M, int First, int Count, class Element>
SEXTANT_INLINE void gradient_rows(const winograd_gradient_strip& strip) {
    float* d = strip.d + First * winograd_size * strip.frequency;
    for (int tile = 0; tile < strip.tiles; ++tile, d += lanes) {
        vec down[Count][M];
#pragma GCC unroll 4
        for (int x = 0; x < M; ++x) {
            const int column = tile * M + x;
            if (column >= strip.columns) {
#pragma GCC unroll 2
                for (int i = 0; i < Count; ++i) down[i][x] = vec{};
                continue;
            }
            vec y[M], t[winograd_size];
#pragma GCC unroll 4
            for (int i = 0; i < M; ++i) y[i] = load(static_cast<const Element*>(strip.rows[i]) + int64_t{column} * lanes);
            transform_gradient<M>(y, t);
#pragma GCC unroll 2
            for (int i = 0; i < Count; ++i) down[i][x] = t[First + i];
        }
#pragma GCC unroll 2
        for (int i = 0; i < Count; ++i) {
            vec t[winograd_size];
            transform_gradient<M>(down[i], t);
#pragma GCC unroll 6
            for (int j = 0; j < winograd_size; ++j) store(d + (i * winograd_size + j) * strip.frequency, t[j]);
        }
    }
}

template <int M, class Element>
void winograd_gradient(const winograd_gradient_strip& strip) {
    gradient_rows<M, 0, 1, Element>(strip);
    gradient_rows<M, 1, 2, Element>(strip);  // the pairs at a point and its negative share their arithmetic
    gradient_rows<M, 3, 2, Element>(strip);
    gradient_rows<M, 5, 1, Element>(strip);
}

template <int R>
void winograd_gradient_finish(const winograd_gradient_result& a) {
    const int vectors = a.channels * a.vectors;
    for (int i = 0; i < vectors; ++i) {
        const float* u = a.u + int64_t{i} * lanes;
        vec down[R][winograd_size];
#pragma GCC unroll 6
        for (int x = 0; x < winograd_size; ++x) {
            vec column[winograd_size], w[R];
#pragma GCC unroll 6
            for (int y = 0; y < winograd_size; ++y) column[y] = load(u + (y * winograd_size + x) * a.frequency);
            transform_weights<R>(column, w);
#pragma GCC unroll 5
            for (int y = 0; y < R; ++y) down[y][x] = w[y];
        }
        float* const sums = a.sums + (int64_t{i / a.vectors} * R * R * a.vectors + i % a.vectors) * lanes;
#pragma GCC unroll 5
        for (int y = 0; y < R; ++y) {
            vec w[R];
            transform_weights<R>(down[y], w);
#pragma GCC unroll 5
            for (int x = 0; x < R; ++x) store(sums + (y * R + x) * a.vectors * lanes, w[x]);
        }
    }
}

template <int M, int R, class Element>
constexpr backward_weights_winograd_kernels backward_weights_winograd_table(
    const winograd_kernels& forward, const backward_weights_direct_kernels<f32_format>& direct) {
    return {M, R, &forward, &direct, winograd_gradient<M, Element>, backward_weights_add_plane<Element>,
            winograd_gradient_finish<R>};
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
