// SPDX-License-Identifier: Apache-2.0
// Copies channels between blocks whose boundaries do not coincide: each pixel's block of dst is put together from loads of the
// segments' lanes only, at addresses shifted so that they arrive in their new lanes.
#pragma once
#include "concat/gather_lanes.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

inline void gather_lanes(const gather_run& a) {
    if (a.count == 1 && a.segments->shift == 0 && a.segments->first == 0 && a.segments->last == lanes) {
        for (int64_t x = 0; x < a.pixels; x++) store(a.dst + x * lanes, load(a.segments->src + x * a.src_step));
        return;
    }
    lane_mask masks[lanes];
    for (int i = 0; i < a.count; i++) masks[i] = lanes_between(a.segments[i].first, a.segments[i].last);
    for (int64_t x = 0; x < a.pixels; x++) {
        ivec block{};
        for (int i = 0; i < a.count; i++)
            block = block | bits(load_masked(a.segments[i].src + x * a.src_step + a.segments[i].shift, masks[i]));
        store(a.dst + x * lanes, from_bits(block));
    }
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
