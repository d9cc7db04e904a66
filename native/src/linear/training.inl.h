// SPDX-License-Identifier: Apache-2.0
// Fully connected layers in training: the three products with plain rows of weights, vectors along the inputs.
//
//   forward            dst[n][k] = sum over i of weights[k][i] * src[n][i]      4 rows x 6 images of sums, each added up at the end
//   backward data      diff_src[n][i] += diff_dst[n][k] * weights[k][i]         6 images x 4 vectors of sums
//   backward weights   diff_weights[k][i] = sum over n of diff_dst[n][k] * src[n][i]   4 rows x 6 vectors of sums
//
// Registers (AVX-512): 24 sums, 4 or 6 vectors of one factor, one of the other: at least 4 multiply-adds for each load.
#pragma once
#include <utility>

#include "linear/training_kernels.h"
#include "simd/activation.inl.h"
#include "simd/transpose.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

#if SEXTANT_LANES == 16
constexpr int forward_images = 6, data_images = 6, data_vectors = 4, weights_vectors = 6;
#elif defined(__AVX__)
constexpr int forward_images = 2, data_images = 5, data_vectors = 2, weights_vectors = 2;
#else
constexpr int forward_images = 1, data_images = 4, data_vectors = 1, weights_vectors = 1;
#endif
constexpr int tile_rows = linear_tile_rows;

/// Lane j of the result is the sum of the lanes of x[j].
template <int S = 1>
SEXTANT_INLINE vec sums_across(vec (&x)[lanes]) {
    for (int i = 0; i < lanes; i += 2 * S) {
        exchange<S>(x[i], x[i + S]);
        x[i] += x[i + S];
    }
    if constexpr (2 * S < lanes) return sums_across<2 * S>(x);
    else return x[0];
}

/// Whole vectors, and the last, shorter one by a mask: body(offset, load).
template <class Body>
SEXTANT_INLINE void each_vector(int64_t count, Body&& body) {
    int64_t i = 0;
    const auto whole = [](const float* p) __attribute__((always_inline)) { return load_unaligned(p); };
    for (; i + lanes <= count; i += lanes) body(i, whole);
    if (i < count) {
        const lane_mask rest = first_lanes_mask(static_cast<int>(count - i));
        body(i, [rest](const float* p) __attribute__((always_inline)) { return load_masked(p, rest); });
    }
}

/// `Ahead`: fetch the next tile's weights from memory, which is idle while these meet their second images.
template <int Rows, int Images, bool Ahead = false>
SEXTANT_INLINE void forward_tile(const linear_forward_block& a, int64_t k, int64_t n) {
    constexpr int padded = (Rows * Images + lanes - 1) / lanes * lanes;
    vec sum[padded];
#pragma GCC unroll 32
    for (int j = 0; j < padded; j++) sum[j] = vec{};
    const float* weights = a.weights + k * a.weights_pitch;
    const float* src = a.src + n * a.src_pitch;
    each_vector(a.inputs, [&](int64_t i, auto read) __attribute__((always_inline)) {
        vec w[Rows];
#pragma GCC unroll 4
        for (int row = 0; row < Rows; row++) {
            w[row] = read(weights + row * a.weights_pitch + i);
            if constexpr (Ahead) __builtin_prefetch(weights + (Rows + row) * a.weights_pitch + i);
        }
#pragma GCC unroll 6
        for (int image = 0; image < Images; image++) {
            const vec x = read(src + image * a.src_pitch + i);
#pragma GCC unroll 4
            for (int row = 0; row < Rows; row++) sum[image * Rows + row] += w[row] * x;
        }
    });
    alignas(64) float total[padded];
#pragma GCC unroll 4
    for (int j = 0; j < padded; j += lanes) {
        vec part[lanes];
#pragma GCC unroll 16
        for (int lane = 0; lane < lanes; lane++) part[lane] = sum[j + lane];
        store(total + j, sums_across(part));
    }
    for (int image = 0; image < Images; image++) {
        float* const dst = a.dst + (n + image) * a.dst_pitch + k;
        for (int row = 0; row < Rows; row++) dst[row] = total[image * Rows + row] + (a.add ? dst[row] : 0);
    }
}

template <int Rows, int Images>
SEXTANT_INLINE void forward_images_of(const linear_forward_block& a, int64_t k, int64_t n) {
    if constexpr (Images > 0) {
        if (a.images - n == Images) return forward_tile<Rows, Images>(a, k, n);
        forward_images_of<Rows, Images - 1>(a, k, n);
    }
}

template <int Rows>
static void forward_rows(const linear_forward_block& a, int64_t k) {
    int64_t n = 0;
    for (; n + forward_images <= a.images; n += forward_images)
        n == forward_images ? forward_tile<Rows, forward_images, true>(a, k, n) : forward_tile<Rows, forward_images>(a, k, n);
    forward_images_of<Rows, forward_images - 1>(a, k, n);
}

static void linear_forward(const linear_forward_block& a) {
    int64_t k = 0;
    for (; k + tile_rows <= a.rows; k += tile_rows) forward_rows<tile_rows>(a, k);
    for (; k < a.rows; k++) forward_rows<1>(a, k);
}

/// `Read` and `Write` know how much of the last vector there is. `ahead` is the place of the next tile's weights, to be fetched
/// from memory; null when these meet other images than the second.
template <int Images, int Vectors, class Read, class Write>
SEXTANT_INLINE void data_tile(const linear_data_block& a, int64_t n, int64_t i, Read read, Write write,
                              const float* ahead = nullptr) {
    float* const diff_src = a.diff_src + n * a.diff_src_pitch + i;
    vec sum[Images][Vectors];
#pragma GCC unroll 6
    for (int image = 0; image < Images; image++)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; v++)
            sum[image][v] = a.add ? read(diff_src + image * a.diff_src_pitch + v * lanes) : vec{};
    const float* weights = a.weights + i;
    const float* diff_dst = a.diff_dst + n * a.diff_dst_pitch;
    for (int64_t k = 0; k < a.rows; k++, weights += a.weights_pitch) {
        vec w[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; v++) w[v] = read(weights + v * lanes);
        if (ahead) {
            for (int v = 0; v < Vectors; v++) __builtin_prefetch(ahead + v * lanes);
            ahead += a.weights_pitch;
        }
#pragma GCC unroll 6
        for (int image = 0; image < Images; image++) {
            const vec g = broadcast(diff_dst[image * a.diff_dst_pitch + k]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; v++) sum[image][v] += g * w[v];
        }
    }
#pragma GCC unroll 6
    for (int image = 0; image < Images; image++)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; v++) write(diff_src + image * a.diff_src_pitch + v * lanes, sum[image][v]);
}

template <int Images, int Vectors, class Read, class Write>
SEXTANT_INLINE void data_last_images(const linear_data_block& a, int64_t n, int64_t i, Read read, Write write) {
    if constexpr (Images > 0) {
        if (a.images - n == Images) return data_tile<Images, Vectors>(a, n, i, read, write);
        data_last_images<Images - 1, Vectors>(a, n, i, read, write);
    }
}

template <int Vectors, class Read, class Write>
SEXTANT_INLINE void data_columns(const linear_data_block& a, int64_t i, Read read, Write write) {
    constexpr int64_t width = Vectors * lanes;
    const float* const ahead = i + 2 * width <= a.inputs ? a.weights + i + width : a.next;
    int64_t n = 0;
    for (; n + data_images <= a.images; n += data_images)
        data_tile<data_images, Vectors>(a, n, i, read, write, n == data_images ? ahead : nullptr);
    data_last_images<data_images - 1, Vectors>(a, n, i, read, write);
}

static void linear_backward_data(const linear_data_block& a) {
    const auto read = [](const float* p) __attribute__((always_inline)) { return load_unaligned(p); };
    const auto write = [](float* p, vec x) __attribute__((always_inline)) { store_unaligned(p, x); };
    int64_t i = 0;
    for (; i + data_vectors * lanes <= a.inputs; i += data_vectors * lanes) data_columns<data_vectors>(a, i, read, write);
    if constexpr (data_vectors > 1)
        for (; i + lanes <= a.inputs; i += lanes) data_columns<1>(a, i, read, write);
    if (i == a.inputs) return;
    const lane_mask rest = first_lanes_mask(static_cast<int>(a.inputs - i));
    data_columns<1>(a, i, [rest](const float* p) __attribute__((always_inline)) { return load_masked(p, rest); },
                    [rest](float* p, vec x) __attribute__((always_inline)) { store_masked(p, x, rest); });
}

template <int Rows, int Vectors, class Read, class Write>
SEXTANT_INLINE void weights_tile(const linear_weights_block& a, int64_t k, int64_t i, Read read, Write write) {
    vec sum[Rows][Vectors];
#pragma GCC unroll 4
    for (int row = 0; row < Rows; row++)
#pragma GCC unroll 6
        for (int v = 0; v < Vectors; v++) sum[row][v] = vec{};
    const float* src = a.src + i;
    const float* diff_dst = a.diff_dst + k;
    for (int64_t n = 0; n < a.images; n++, src += a.src_pitch, diff_dst += a.diff_dst_pitch) {
        vec x[Vectors];
#pragma GCC unroll 6
        for (int v = 0; v < Vectors; v++) x[v] = read(src + v * lanes);
#pragma GCC unroll 4
        for (int row = 0; row < Rows; row++) {
            const vec g = broadcast(diff_dst[row]);
#pragma GCC unroll 6
            for (int v = 0; v < Vectors; v++) sum[row][v] += g * x[v];
        }
    }
    float* const diff_weights = a.diff_weights + k * a.diff_weights_pitch + i;
#pragma GCC unroll 4
    for (int row = 0; row < Rows; row++)
#pragma GCC unroll 6
        for (int v = 0; v < Vectors; v++) write(diff_weights + row * a.diff_weights_pitch + v * lanes, sum[row][v]);
}

template <int Rows>
static void weights_rows(const linear_weights_block& a, int64_t k) {
    const auto read = [](const float* p) __attribute__((always_inline)) { return load_unaligned(p); };
    const auto write = [](float* p, vec x) __attribute__((always_inline)) { store_unaligned(p, x); };
    const auto past_caches = [](float* p, vec x) __attribute__((always_inline)) { stream(p, x); };
    int64_t i = 0;
    for (; i + weights_vectors * lanes <= a.inputs; i += weights_vectors * lanes)
        a.streams ? weights_tile<Rows, weights_vectors>(a, k, i, read, past_caches)
                  : weights_tile<Rows, weights_vectors>(a, k, i, read, write);
    if constexpr (weights_vectors > 1)
        for (; i + lanes <= a.inputs; i += lanes) weights_tile<Rows, 1>(a, k, i, read, write);
    if (i == a.inputs) return;
    const lane_mask rest = first_lanes_mask(static_cast<int>(a.inputs - i));
    weights_tile<Rows, 1>(a, k, i, [rest](const float* p) __attribute__((always_inline)) { return load_masked(p, rest); },
                          [rest](float* p, vec x) __attribute__((always_inline)) { store_masked(p, x, rest); });
}

static void linear_backward_weights(const linear_weights_block& a) {
    int64_t k = 0;
    for (; k + tile_rows <= a.rows; k += tile_rows) weights_rows<tile_rows>(a, k);
    for (; k < a.rows; k++) weights_rows<1>(a, k);
    if (a.streams) finish_streams();
}

static void linear_finish(float* dst, const float* bias, int64_t count, int32_t function) {
    for (int64_t i = 0; i < count; i += lanes) {
        const lane_mask mask = first_lanes_mask(count - i < lanes ? static_cast<int>(count - i) : lanes);
        const vec x = load_masked(dst + i, mask);
        store_masked(dst + i, activate(function, bias ? x + load_masked(bias + i, mask) : x), mask);
    }
}

static void linear_sum_rows(const float* src, int64_t pitch, int64_t images, float* sums, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes) {
        const lane_mask mask = first_lanes_mask(count - i < lanes ? static_cast<int>(count - i) : lanes);
        vec sum{};
        for (int64_t n = 0; n < images; n++) sum += load_masked(src + n * pitch + i, mask);
        store_masked(sums + i, sum, mask);
    }
}

inline constexpr linear_training_kernels linear_training_table{linear_forward, linear_backward_data, linear_backward_weights,
                                                               linear_finish, linear_sum_rows};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
