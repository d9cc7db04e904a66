// SPDX-License-Identifier: Apache-2.0
// Sums over parts in a fixed order, squares of lanes x lanes of them transposed in registers: see backward_weights_sums.h.
#pragma once
#include <algorithm>

#include "conv2d/backward_weights_sums.h"
#include "simd/simd.h"
#include "simd/transpose.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

static inline void backward_weights_finish(const backward_weights_result& a) {
    const int width = a.vectors * lanes;
    for (int v = 0; v < a.vectors; ++v) {
        const int channels = std::min(lanes, a.channels - v * lanes);
        for (int first = 0; first < a.weights; first += lanes) {
            const int count = std::min(lanes, a.weights - first);
            const float* sums = a.sums + int64_t{first} * width + v * lanes;
            vec rows[lanes];
            for (int i = 0; i < lanes; ++i) {
                rows[i] = vec{};
                for (int part = 0; i < count && part < a.parts; ++part) rows[i] += load(sums + part * a.part + i * width);
            }
            transpose(rows);
            const lane_mask mask = first_lanes_mask(count);
            for (int k = 0; k < channels; ++k) {
                float* const out = a.out + (v * lanes + k) * a.out_channel + first;
                if (count == lanes) store_unaligned(out, rows[k]);
                else store_masked(out, rows[k], mask);
            }
        }
    }
}

template <class Element>
void backward_weights_add_plane(const backward_weights_plane& a) {
    vec sum[4] = {};
    for (int n = 0; n < a.images; ++n)
        for (int y = 0; y < a.rows; ++y) {
            const Element* diff = static_cast<const Element*>(a.diff) + n * a.image + y * a.row;
            int x = 0;
            for (; x + 4 <= a.columns; x += 4, diff += 4 * lanes)
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i) sum[i] += load(diff + i * lanes);
            for (; x < a.columns; ++x, diff += lanes) sum[0] += load(diff);
        }
    store(a.sum, load(a.sum) + ((sum[0] + sum[1]) + (sum[2] + sum[3])));
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
