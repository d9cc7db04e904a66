// SPDX-License-Identifier: Apache-2.0
// Copies a run of pixels of one channel block between layouts and element types.
// Between NCHW and blocked, a square of `lanes` pixels x `lanes` channels is transposed in registers: each load and each store
// is a whole vector. The last square of a run touches the memory of its own pixels and channels only.
#pragma once
#include "reorder/reorder_lists.h"
#include "simd/quantised.inl.h"
#include "simd/transpose.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

SEXTANT_INLINE int at_most_lanes(int64_t count) { return count < lanes ? static_cast<int>(count) : lanes; }

/// The run with its elements' types, and vectors on their way from one to the other.
template <class Src, class Dst>
struct typed_run {
    const reorder_run& run;
    const Src* const src;
    Dst* const dst;
    const quantisation from, to;

    explicit typed_run(const reorder_run& a)
        : run(a), src(static_cast<const Src*>(a.src)), dst(static_cast<Dst*>(a.dst)), from(a.src_stored), to(a.dst_stored) {}

    __attribute__((always_inline)) vec converted(vec x) const { return stored_of<Dst>(real_of<Src>(x, from), to); }
    /// What dst's lanes past the last channel hold.
    __attribute__((always_inline)) vec none() const {
        if constexpr (std::is_same_v<Dst, uint8_t>) return broadcast(to.zero);
        else return from_bits(ivec{} + run.zero_point);
    }
};

template <bool WholeSquare, class Src, class Dst>
SEXTANT_INLINE void square_to_blocked(const typed_run<Src, Dst>& a, int64_t x0, int pixels) {
    const lane_mask mask = first_lanes_mask(pixels);
    const Src* src = a.src + x0;
    Dst* dst = a.dst + x0 * lanes;
    vec square[lanes];
    for (int k = 0; k < lanes; k++) {
        if constexpr (WholeSquare) square[k] = a.converted(load_unaligned(src + k * a.run.channel_pitch));
        else square[k] = k < a.run.channels ? a.converted(load_masked(src + k * a.run.channel_pitch, mask)) : a.none();
    }
    transpose(square);
    for (int x = 0; x < lanes; x++)
        if (WholeSquare || x < pixels) store(dst + x * lanes, square[x]);
}

template <bool WholeSquare, class Src, class Dst>
SEXTANT_INLINE void square_to_planar(const typed_run<Src, Dst>& a, int64_t x0, int pixels) {
    const Src* src = a.src + x0 * lanes;
    Dst* dst = a.dst + x0;
    vec square[lanes];
    for (int x = 0; x < lanes; x++) square[x] = WholeSquare || x < pixels ? load(src + x * lanes) : vec{};
    transpose(square);
    const lane_mask mask = first_lanes_mask(pixels);
    for (int k = 0; k < lanes; k++) {
        if constexpr (WholeSquare) store_unaligned(dst + k * a.run.channel_pitch, a.converted(square[k]));
        else if (k < a.run.channels) store_masked(dst + k * a.run.channel_pitch, a.converted(square[k]), mask);
    }
}

template <class Src, class Dst>
void reorder_to_blocked(const reorder_run& run) {
    const typed_run<Src, Dst> a(run);
    const lane_mask exist = first_lanes_mask(run.channels);
    for (int64_t x = 0; x < run.pixels; x += lanes) {
        const int pixels = at_most_lanes(run.pixels - x);
        if (pixels == lanes && run.channels == lanes) square_to_blocked<true>(a, x, lanes);
        else if (pixels == 1 && run.channel_pitch == 1)  // 1 x 1 images: already a vector of channels
            store(a.dst + x * lanes, select(lane_numbers() < run.channels, a.converted(load_masked(a.src + x, exist)), a.none()));
        else square_to_blocked<false>(a, x, pixels);
    }
}

template <class Src, class Dst>
void reorder_to_planar(const reorder_run& run) {
    const typed_run<Src, Dst> a(run);
    for (int64_t x = 0; x < run.pixels; x += lanes) {
        const int pixels = at_most_lanes(run.pixels - x);
        if (pixels == lanes && run.channels == lanes) square_to_planar<true>(a, x, lanes);
        else if (pixels == 1 && run.channel_pitch == 1)
            store_masked(a.dst + x, a.converted(load(a.src + x * lanes)), first_lanes_mask(run.channels));
        else square_to_planar<false>(a, x, pixels);
    }
}

template <class Src, class Dst>
void reorder_between_blocked(const reorder_run& run) {
    const typed_run<Src, Dst> a(run);
    if (run.channels >= lanes) {
        for (int64_t x = 0; x < run.pixels; x++) store(a.dst + x * lanes, a.converted(load(a.src + x * lanes)));
    } else {
        const ivec exists = lane_numbers() < run.channels;
        const vec none = a.none();
        for (int64_t x = 0; x < run.pixels; x++)
            store(a.dst + x * lanes, select(exists, a.converted(load(a.src + x * lanes)), none));
    }
}

template <class Src, class Dst>
void reorder_between_planar(const reorder_run& run) {
    const typed_run<Src, Dst> a(run);
    int64_t x = 0;
    for (; x + lanes <= run.pixels; x += lanes) store_unaligned(a.dst + x, a.converted(load_unaligned(a.src + x)));
    if (x == run.pixels) return;
    const lane_mask rest = first_lanes_mask(static_cast<int>(run.pixels - x));
    store_masked(a.dst + x, a.converted(load_masked(a.src + x, rest)), rest);
}

template <class Src, class Dst>
inline constexpr reorder_kernels reorder_table{lanes, reorder_to_blocked<Src, Dst>, reorder_to_planar<Src, Dst>,
                                               reorder_between_blocked<Src, Dst>, reorder_between_planar<Src, Dst>};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
