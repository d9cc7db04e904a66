// SPDX-License-Identifier: Apache-2.0
// Copies channels between blocks whose boundaries do not coincide: concatenation at odd channel counts, option A shortcuts.
#pragma once
#include <cstdint>

namespace sextant {

/// Lanes first <= i < last of a pixel's block in dst come from src[i + shift] of the pixel's block in a source.
struct lane_segment {
    const float* src;
    int shift;
    int first, last;
};

/// A run of pixels of one block of dst. Lanes in no segment become zero.
struct gather_run {
    const lane_segment* segments;  // at most one per lane
    int count;
    int64_t src_step;  // floats from a pixel to the next that is taken
    float* dst;
    int64_t pixels;
};

struct gather_kernels {
    int block;
    void (*gather)(const gather_run&);
};

extern const gather_kernels gather_avx512, gather_avx2, gather_portable;

}  // namespace sextant
