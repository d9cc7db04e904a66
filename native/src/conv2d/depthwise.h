// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: what the loops (depthwise.cc) and the register tiles (depthwise.inl.h) tell one another.
#pragma once
#include <cstdint>

#include "conv2d/target.h"
#include "conv2d/weights.h"

namespace sextant {

/// One register tile: columns output pixels of one row and one block of channels. All distances are in elements.
struct depthwise_tile {
    const void* src;       // the first pixel at tap (0, 0)
    float src_zero;        // what a quantised src stores for zero
    int64_t src_column;    // between the pixels of two output columns
    int64_t tap_row, tap_column;
    const float* weights;  // [r][s][lanes], for the stored numbers of src
    int r, s;
    const float* bias;     // lanes
    tile_target target;
};

using depthwise_function = void (*)(const depthwise_tile&);

/// The tiles of one instruction set.
struct depthwise_kernels {
    static constexpr int most_pixels = 8;
    int lanes;
    int dtype;  // of src, and of the dst that the tiles write by themselves
    weight_gatherer gather;
    depthwise_function tiles[most_pixels + 1];  // [columns]
};

extern const depthwise_kernels depthwise_avx512, depthwise_avx2, depthwise_portable;
extern const depthwise_kernels depthwise_bf16_avx512_bf16, depthwise_u8_avx512_bf16;

}  // namespace sextant
