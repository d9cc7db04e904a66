// SPDX-License-Identifier: Apache-2.0
// Gradients of first layers' weights: what the loops (backward_weights_first.cc) and the register tiles
// (backward_weights_first.inl.h) tell one another. All distances are in elements.
#pragma once
#include "conv2d/backward_weights_sums.h"

namespace sextant {

/// Taps that lie side by side in some rows of src x one panel of output channels, over some rows of pixels.
struct backward_weights_first_tile {
    static constexpr int most_lines = 5;
    const float* lines[most_lines];  // rows of src, each of another r or c: the first tap of the first pixel
    int64_t src_row, src_column;     // from a row, a column of diff_dst to the next
    const void* diff;    // of the kernels' dtype
    int64_t diff_row, diff_plane;
    int rows, columns;
    float* sums;                     // added to: vectors * lanes for each tap
    int64_t sums_line;
    const void* ahead;  // as many pixels that will be needed next, fetched into L2 meanwhile
};

struct backward_weights_first_kernels {
    static constexpr int most_taps = 11;
    int lanes;
    int dtype;     // of diff_dst; src is float32
    int taps[2];   // most side by side in a tile of [vectors - 1]
    int lines[2][most_taps + 1];  // most in a tile of so many taps side by side
    void (*tiles[2][most_taps + 1][backward_weights_first_tile::most_lines + 1])(const backward_weights_first_tile&);
    /// For at most lanes / 2 output channels and a src_column of 1: two pixels in a vector. Null where there are none.
    void (*pairs[most_taps + 1][backward_weights_first_tile::most_lines + 1])(const backward_weights_first_tile&);
    void (*plane)(const backward_weights_plane&);
    void (*finish)(const backward_weights_result&);
};

extern const backward_weights_first_kernels backward_weights_first_avx512, backward_weights_first_avx2,
    backward_weights_first_portable;
extern const backward_weights_first_kernels backward_weights_first_avx512_bf16;

}  // namespace sextant
