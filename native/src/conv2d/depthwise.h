// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: what the loops (depthwise.cc) and the register tiles (depthwise.inl.h) tell one another.
#pragma once
#include <cstdint>

namespace sextant {

/// One register tile: columns output pixels of one row and one block of channels. All distances are in floats.
struct depthwise_tile {
    const float* src;      // the first pixel at tap (0, 0)
    int64_t src_column;    // between the pixels of two output columns
    int64_t tap_row, tap_column;
    const float* weights;  // [r][s][lanes]
    int r, s;
    const float* bias;     // lanes
    float* dst;
    const float* residual; // or null
    int activation;
};

using depthwise_function = void (*)(const depthwise_tile&);

/// The tiles of one instruction set.
struct depthwise_kernels {
    static constexpr int most_pixels = 8;
    int lanes;
    depthwise_function tiles[most_pixels + 1];  // [columns]
};

extern const depthwise_kernels depthwise_avx512, depthwise_avx2, depthwise_portable;

}  // namespace sextant
