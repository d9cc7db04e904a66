// SPDX-License-Identifier: Apache-2.0
// First layers: what the loops (first.cc) and the register tiles (first.inl.h) tell one another. All distances are in elements
// of their tensor.
#pragma once
#include <cstdint>

#include "conv2d/target.h"
#include "conv2d/weights.h"

namespace sextant {

/// One register tile: columns output pixels of one row and one panel (one or two vectors of output channels).
struct first_tile {
    const float* src;            // [channel][row][column], padding included; the first pixel at tap (0, 0)
    int64_t src_channel;
    int64_t src_column;          // between the pixels of two output columns
    int64_t tap_row, tap_column;
    const float* weights;        // [channel][r][s][vectors * lanes]
    int channels, r, s;
    const float* bias;           // vectors * lanes
    tile_target target;
};

using first_function = void (*)(const first_tile&);

/// The tiles of one instruction set.
struct first_kernels {
    static constexpr int most_pixels = 14;
    static constexpr int strides[] = {0, 1, 2, 4};  // 0: any
    int lanes;
    int pixels;  // most in a tile
    int dtype;   // of the dst that the tiles write by themselves
    first_function tiles[4][2][most_pixels + 1];  // [index in strides][vectors - 1][columns]; any stride: one vector
    /// For at most lanes / 2 output channels. Pixels of src are pairs that belong to two rows of dst, dst_plane apart (0: there is
    /// no second); weights and bias have each number twice. [index in strides][columns], only to float32.
    first_function pairs[4][most_pixels + 1];
    weight_gatherer gather;
};

extern const first_kernels first_avx512, first_avx2, first_portable;
extern const first_kernels first_to_bf16_avx512_bf16, first_to_u8_avx512_bf16;

}  // namespace sextant
