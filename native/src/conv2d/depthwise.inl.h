// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution (each channel has its own kernel) on channel-blocked tensors, one register tile:
//
//   dst[c][p][q] = act(bias[c] + sum over r, s of weights[c][r][s] * src[c][p*stride + r*dilation][q*stride + s*dilation]
//                  + residual[c][p][q])
//
// src, dst, residual: [c / lanes][row][column][lanes], weights: [c / lanes][r][s][lanes]. The padding is the halo's zeros.
// Registers: one sum per pixel, at most 8, and a weight. Each multiply-add loads a pixel: the loads are the limit.
#include <utility>

#include "conv2d/activate.inl.h"
#include "conv2d/depthwise.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

template <int Columns>
void depthwise(const depthwise_tile& t) {
    vec sum[Columns];
#pragma GCC unroll 8
    for (int x = 0; x < Columns; ++x) sum[x] = load(t.bias);

    const float* weights = t.weights;
    for (int r = 0; r < t.r; ++r)
#pragma GCC unroll 1
        for (int s = 0; s < t.s; ++s, weights += lanes) {
            const float* pixel = t.src + r * t.tap_row + s * t.tap_column;
            const vec w = load(weights);
#pragma GCC unroll 8
            for (int x = 0; x < Columns; ++x) sum[x] += w * load(pixel + x * t.src_column);
        }

#pragma GCC unroll 8
    for (int x = 0; x < Columns; ++x) {
        if (t.residual) sum[x] += load(t.residual + x * lanes);
        if (t.activation == SEXTANT_RELU) sum[x] = relu(sum[x]);
        store(t.dst + x * lanes, sum[x]);
    }
    if (t.activation > SEXTANT_RELU) activate_vectors(t.dst, Columns, t.activation);
}

template <int... Columns>
constexpr depthwise_kernels depthwise_table(std::integer_sequence<int, Columns...>) {
    return {lanes, {nullptr, depthwise<Columns + 1>...}};
}

constexpr depthwise_kernels depthwise_table() {
    return depthwise_table(std::make_integer_sequence<int, depthwise_kernels::most_pixels>{});
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
