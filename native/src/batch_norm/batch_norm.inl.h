// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with given statistics, folded to one multiply-add: dst = act(src * scale[c] + shift[c])
// (Ioffe & Szegedy, arXiv:1502.03167, algorithm 1, line 4). Bound by memory: one stream in, one out, four vectors at a time.
// blocked: a vector is one pixel's block, scale and shift stay in two registers. planar: a vector is `lanes` pixels.
#pragma once
#include "batch_norm/batch_norm_lists.h"
#include "simd/activation.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

constexpr int unroll = 4;

template <class Activation>
SEXTANT_INLINE int64_t batch_norm_vectors(const float* src, float* dst, int64_t count, vec scale, vec shift, Activation act) {
    int64_t i = 0;
    for (; i + unroll * lanes <= count; i += unroll * lanes) {
        vec x[unroll];
        for (int u = 0; u < unroll; u++) x[u] = load_unaligned(src + i + u * lanes) * scale + shift;
        for (int u = 0; u < unroll; u++) store_unaligned(dst + i + u * lanes, act(x[u]));
    }
    for (; i + lanes <= count; i += lanes) store_unaligned(dst + i, act(load_unaligned(src + i) * scale + shift));
    return i;
}

template <int Function>
void batch_norm_blocked(const float* src, float* dst, int64_t count, const float* scale, const float* shift) {
    batch_norm_vectors(src, dst, count, load_unaligned(scale), load_unaligned(shift), activation<Function>{});
}

template <int Function>
void batch_norm_planar(const float* src, float* dst, int64_t count, const float* scale, const float* shift) {
    const activation<Function> act;
    const int64_t done = batch_norm_vectors(src, dst, count, broadcast(*scale), broadcast(*shift), act);
    if (done < count) {
        const lane_mask rest = first_lanes_mask(static_cast<int>(count - done));
        store_masked(dst + done, act(load_masked(src + done, rest) * *scale + *shift), rest);
    }
}

inline constexpr batch_norm_kernels batch_norm_table{
    lanes,
    {batch_norm_blocked<SEXTANT_IDENTITY>, batch_norm_blocked<SEXTANT_RELU>, batch_norm_blocked<SEXTANT_TANH>,
     batch_norm_blocked<SEXTANT_SIGMOID>},
    {batch_norm_planar<SEXTANT_IDENTITY>, batch_norm_planar<SEXTANT_RELU>, batch_norm_planar<SEXTANT_TANH>,
     batch_norm_planar<SEXTANT_SIGMOID>}};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
