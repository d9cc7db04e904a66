// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with given statistics, folded to one multiply-add: dst = act(src * scale[c] + shift[c])
// (Ioffe & Szegedy, arXiv:1502.03167, algorithm 1, line 4). Bound by memory: one stream in, one out, four vectors at a time.
// blocked: a vector is one pixel's block, scale and shift stay in two registers. planar: a vector is `lanes` pixels.
#pragma once
#include "batch_norm/batch_norm_lists.h"
#include "simd/activation.inl.h"
#include "simd/quantised.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

constexpr int unroll = 4;

template <class Src, class Dst, class Activation>
SEXTANT_INLINE int64_t batch_norm_vectors(const Src* src, Dst* dst, int64_t count, vec scale, vec shift, Activation act,
                                          const quantisation q) {
    int64_t i = 0;
    for (; i + unroll * lanes <= count; i += unroll * lanes) {
        vec x[unroll];
        for (int u = 0; u < unroll; u++) x[u] = load_unaligned(src + i + u * lanes) * scale + shift;
        for (int u = 0; u < unroll; u++) store_unaligned(dst + i + u * lanes, stored_of<Dst>(act(x[u]), q));
    }
    for (; i + lanes <= count; i += lanes)
        store_unaligned(dst + i, stored_of<Dst>(act(load_unaligned(src + i) * scale + shift), q));
    return i;
}

template <class Src, class Dst, int Function>
void batch_norm_blocked(const void* src, void* dst, int64_t count, const float* scale, const float* shift,
                        const quantisation& q) {
    batch_norm_vectors(static_cast<const Src*>(src), static_cast<Dst*>(dst), count, load_unaligned(scale), load_unaligned(shift),
                       activation<Function>{}, q);
}

template <class Src, class Dst, int Function>
void batch_norm_planar(const void* from, void* to, int64_t count, const float* scale, const float* shift, const quantisation& q) {
    const Src* src = static_cast<const Src*>(from);
    Dst* dst = static_cast<Dst*>(to);
    const activation<Function> act;
    const int64_t done = batch_norm_vectors(src, dst, count, broadcast(*scale), broadcast(*shift), act, q);
    if (done < count) {
        const lane_mask rest = first_lanes_mask(static_cast<int>(count - done));
        store_masked(dst + done, stored_of<Dst>(act(load_masked(src + done, rest) * *scale + *shift), q), rest);
    }
}

template <class Src, class Dst>
inline constexpr batch_norm_kernels batch_norm_table{
    lanes,
    {batch_norm_blocked<Src, Dst, SEXTANT_IDENTITY>, batch_norm_blocked<Src, Dst, SEXTANT_RELU>,
     batch_norm_blocked<Src, Dst, SEXTANT_TANH>, batch_norm_blocked<Src, Dst, SEXTANT_SIGMOID>},
    {batch_norm_planar<Src, Dst, SEXTANT_IDENTITY>, batch_norm_planar<Src, Dst, SEXTANT_RELU>,
     batch_norm_planar<Src, Dst, SEXTANT_TANH>, batch_norm_planar<Src, Dst, SEXTANT_SIGMOID>}};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
