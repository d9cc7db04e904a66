// SPDX-License-Identifier: Apache-2.0
// The end of a register tile: residual, activation and store, for every element type of dst.
//
// A tile knows one element type. It finishes usual targets (usual_target in target.h) from its registers; for the others it
// leaves its sums, as real numbers, in a buffer on the stack and finish_apart does the rest, out of line so that the tiles stay
// small. float32 tiles of the instruction sets below AVX512_BF16 have usual targets but for tanh and sigmoid, which they apply
// to the vectors just written.
#pragma once
#include <type_traits>

#include "conv2d/activate.inl.h"
#include "conv2d/target.h"
#if defined(__AVX512BF16__)
#include "simd/narrow.inl.h"
#endif

namespace sextant::SEXTANT_ISA_NAMESPACE {

#if defined(__AVX512BF16__)

SEXTANT_INLINE vec load_element(const sextant_tensor& t, const void* data, int64_t i) {
    if (t.dtype == SEXTANT_F32) return load(static_cast<const float*>(data) + i);
    if (t.dtype == SEXTANT_BF16) return load(static_cast<const bfloat16*>(data) + i);
    return (load(static_cast<const uint8_t*>(data) + i) - static_cast<float>(t.zero_point)) * t.scale;
}

SEXTANT_INLINE void store_element(const sextant_tensor& t, void* data, int64_t i, vec x) {
    if (t.dtype == SEXTANT_F32) store(static_cast<float*>(data) + i, x);
    else if (t.dtype == SEXTANT_BF16) store(static_cast<bfloat16*>(data) + i, x);
    else store(static_cast<uint8_t*>(data) + i, x / t.scale + static_cast<float>(t.zero_point));
}

/// values: [row][column][vector][lanes].
[[gnu::noinline]] static void finish_apart(const tile_target& t, const float* values, int rows, int columns, int vectors) {
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < columns; ++x)
            for (int v = 0; v < vectors; ++v, values += lanes) {
                vec out = load(values);
                if (t.residual)
                    out += load_element(*t.residual_shape, t.residual, v * t.residual_plane + y * t.residual_row + x * lanes);
                store_element(*t.dst_shape, t.dst, v * t.dst_plane + y * t.dst_row + x * lanes, activate(t.activation, out));
            }
}

SEXTANT_INLINE void store_not_negative(uint8_t* p, vec x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrowed_not_negative(x));
}

#endif

/// int32 sums as numbers, real or in steps of dst: see target.h.
SEXTANT_INLINE vec scaled(const tile_target& t, ivec sum, int v) {
    return to_float(sum) * load(t.scale + v * lanes) + load(t.bias + v * lanes);
}

template <class Element>
SEXTANT_INLINE void finish_vector(const tile_target& t, Element* dst, const Element* residual, vec out) {
    if constexpr (std::is_same_v<Element, uint8_t>) {
        if (residual) out += load(residual) * t.residual_scale;
        store_not_negative(dst, max(out, broadcast(t.lowest)));
    } else {
        if (residual) out += load(residual);
        if (t.activation == SEXTANT_RELU) out = relu(out);
        store(dst, out);
    }
}

template <class Element, int Rows, int Columns, class Sums, int Vectors>
SEXTANT_INLINE void finish(const tile_target& t, const Sums (&sum)[Rows * Columns][Vectors]) {
    if constexpr (!std::is_same_v<Element, float>)
        if (!t.usual) {
            alignas(64) float values[Rows * Columns * Vectors * lanes];
#pragma GCC unroll 16
            for (int i = 0; i < Rows * Columns; ++i)
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) {
                    float* value = values + (i * Vectors + v) * lanes;
                    if constexpr (std::is_same_v<Sums, vec>) store(value, sum[i][v]);
                    else store(value, scaled(t, sum[i][v], v));
                }
            finish_apart(t, values, Rows, Columns, Vectors);
            return;
        }
    Element* const dst = static_cast<Element*>(t.dst);
    const Element* const residual = static_cast<const Element*>(t.residual);
#pragma GCC unroll 2
    for (int y = 0; y < Rows; ++y)
#pragma GCC unroll 16
        for (int x = 0; x < Columns; ++x)
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v) {
                vec out;
                if constexpr (!std::is_same_v<Sums, vec>) out = scaled(t, sum[y * Columns + x][v], v);
                else if constexpr (std::is_same_v<Element, uint8_t>) out = sum[y * Columns + x][v] * t.step_scale + t.step_shift;
                else out = sum[y * Columns + x][v];
                finish_vector(t, dst + v * t.dst_plane + y * t.dst_row + x * lanes,
                              residual ? residual + v * t.residual_plane + y * t.residual_row + x * lanes : nullptr, out);
            }
    if constexpr (std::is_same_v<Element, float>)
        if (t.activation > SEXTANT_RELU)
            for (int v = 0; v < Vectors; ++v)
                for (int y = 0; y < Rows; ++y) activate_vectors(dst + v * t.dst_plane + y * t.dst_row, Columns, t.activation);
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
