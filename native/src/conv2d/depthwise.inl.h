// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution (each channel has its own kernel) on channel-blocked tensors, one register tile:
//
//   dst[c][p][q] = act(bias[c] + sum over r, s of weights[c][r][s] * src[c][p*stride + r*dilation][q*stride + s*dilation]
//                  + residual[c][p][q])
//
// src, dst, residual: [c / lanes][row][column][lanes], weights: [c / lanes][r][s][lanes]. The padding is the halo's zeros.
// Registers: one sum per pixel, at most 8, and a weight. Each multiply-add loads a pixel: the loads are the limit, so that
// narrower elements are worth having although they are computed with as float32.
#include <utility>

#include "conv2d/depthwise.h"
#include "conv2d/finish.inl.h"
#include "conv2d/weights.inl.h"
#include "simd/bfloat16.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <class Element, int Columns>
void depthwise(const depthwise_tile& t) {
    vec sum[Columns][1];
#pragma GCC unroll 8
    for (int x = 0; x < Columns; ++x) sum[x][0] = load(t.bias);

    const float* weights = t.weights;
    for (int r = 0; r < t.r; ++r)
#pragma GCC unroll 1
        for (int s = 0; s < t.s; ++s, weights += lanes) {
            const Element* pixel = static_cast<const Element*>(t.src) + r * t.tap_row + s * t.tap_column;
            const vec w = load(weights);
#pragma GCC unroll 8
            for (int x = 0; x < Columns; ++x) {
                vec value = load(pixel + x * t.src_column);
                if constexpr (std::is_same_v<Element, uint8_t>) value -= t.src_zero;
                sum[x][0] += w * value;
            }
        }
    finish<Element, 1, Columns>(t.target, sum);
}

template <class Element, int... Columns>
constexpr depthwise_kernels depthwise_table(std::integer_sequence<int, Columns...>) {
    constexpr int dtype = std::is_same_v<Element, float>      ? SEXTANT_F32
                          : std::is_same_v<Element, bfloat16> ? SEXTANT_BF16
                                                              : SEXTANT_U8;
    return {lanes, dtype, gather_weights, {nullptr, depthwise<Element, Columns + 1>...}};
}

template <class Element>
constexpr depthwise_kernels depthwise_table() {
    return depthwise_table<Element>(std::make_integer_sequence<int, depthwise_kernels::most_pixels>{});
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
