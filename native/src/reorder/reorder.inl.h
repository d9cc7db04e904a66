// SPDX-License-Identifier: Apache-2.0
// Copies a run of pixels of one channel block between layouts.
// Between NCHW and blocked, a square of `lanes` pixels x `lanes` channels is transposed in registers: each load and each store
// is a whole vector. The last square of a run touches the memory of its own pixels and channels only.
#pragma once
#include "reorder/reorder_lists.h"
#include "simd/transpose.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

SEXTANT_INLINE int at_most_lanes(int64_t count) { return count < lanes ? static_cast<int>(count) : lanes; }

template <bool WholeSquare>
SEXTANT_INLINE void square_to_blocked(const float* src, float* dst, int pixels, int channels, int64_t channel_pitch) {
    const lane_mask mask = first_lanes_mask(pixels);
    vec square[lanes];
    for (int k = 0; k < lanes; k++) {
        if constexpr (WholeSquare) square[k] = load_unaligned(src + k * channel_pitch);
        else square[k] = k < channels ? load_masked(src + k * channel_pitch, mask) : vec{};
    }
    transpose(square);
    for (int x = 0; x < lanes; x++)
        if (WholeSquare || x < pixels) store(dst + x * lanes, square[x]);
}

template <bool WholeSquare>
SEXTANT_INLINE void square_to_planar(const float* src, float* dst, int pixels, int channels, int64_t channel_pitch) {
    vec square[lanes];
    for (int x = 0; x < lanes; x++) square[x] = WholeSquare || x < pixels ? load(src + x * lanes) : vec{};
    transpose(square);
    const lane_mask mask = first_lanes_mask(pixels);
    for (int k = 0; k < lanes; k++) {
        if constexpr (WholeSquare) store_unaligned(dst + k * channel_pitch, square[k]);
        else if (k < channels) store_masked(dst + k * channel_pitch, square[k], mask);
    }
}

inline void reorder_to_blocked(const reorder_run& a) {
    for (int64_t x = 0; x < a.pixels; x += lanes) {
        const int pixels = at_most_lanes(a.pixels - x);
        if (pixels == lanes && a.channels == lanes)
            square_to_blocked<true>(a.src + x, a.dst + x * lanes, lanes, lanes, a.channel_pitch);
        else if (pixels == 1 && a.channel_pitch == 1)  // 1 x 1 images: already a vector of channels
            store(a.dst + x * lanes, load_masked(a.src + x, first_lanes_mask(a.channels)));
        else square_to_blocked<false>(a.src + x, a.dst + x * lanes, pixels, a.channels, a.channel_pitch);
    }
}

inline void reorder_to_planar(const reorder_run& a) {
    for (int64_t x = 0; x < a.pixels; x += lanes) {
        const int pixels = at_most_lanes(a.pixels - x);
        if (pixels == lanes && a.channels == lanes)
            square_to_planar<true>(a.src + x * lanes, a.dst + x, lanes, lanes, a.channel_pitch);
        else if (pixels == 1 && a.channel_pitch == 1)
            store_masked(a.dst + x, load(a.src + x * lanes), first_lanes_mask(a.channels));
        else square_to_planar<false>(a.src + x * lanes, a.dst + x, pixels, a.channels, a.channel_pitch);
    }
}

inline void reorder_between_blocked(const reorder_run& a) {
    const vec none{};
    if (a.channels >= lanes) {
        for (int64_t x = 0; x < a.pixels; x++) store(a.dst + x * lanes, load(a.src + x * lanes));
    } else {
        const ivec exists = lane_numbers() < a.channels;
        for (int64_t x = 0; x < a.pixels; x++) store(a.dst + x * lanes, select(exists, load(a.src + x * lanes), none));
    }
}

inline void reorder_between_planar(const reorder_run& a) {
    int64_t x = 0;
    for (; x + lanes <= a.pixels; x += lanes) store_unaligned(a.dst + x, load_unaligned(a.src + x));
    for (; x < a.pixels; x++) a.dst[x] = a.src[x];
}

inline constexpr reorder_kernels reorder_table{lanes, reorder_to_blocked, reorder_to_planar, reorder_between_blocked,
                                               reorder_between_planar};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
