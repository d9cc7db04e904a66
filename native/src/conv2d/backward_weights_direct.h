// SPDX-License-Identifier: Apache-2.0
// Gradients of weights by direct sums: what the loops (backward_weights_direct.cc) and the register tiles
// (backward_weights_direct.inl.h) tell one another. All distances are in elements.
#pragma once
#include "conv2d/backward_weights_sums.h"

namespace sextant {

/// A few input channels of one tap x one panel of output channels, over some pixels of some images.
struct backward_weights_tile {
    const float* src;   // the first channel at the first pixel's tap
    int64_t src_image, src_row, src_column;
    const float* diff;  // the panel's first vector at the first pixel
    int64_t diff_image, diff_row, diff_plane;
    int images, rows, columns;
    float* sums;        // added to: vectors * lanes for each channel
    int64_t sums_channel;
    const float* ahead;  // as many pixels of the next strip, fetched into L2 meanwhile
    int64_t ahead_row, ahead_column;
};

struct backward_weights_direct_kernels {
    static constexpr int most_channels = 16;
    int lanes;
    int channels[2];  // most in a tile of [vectors - 1]
    void (*tiles[2][most_channels + 1])(const backward_weights_tile&);  // [vectors - 1][channels]
    void (*plane)(const backward_weights_plane&);
    void (*finish)(const backward_weights_result&);
};

extern const backward_weights_direct_kernels backward_weights_direct_avx512, backward_weights_direct_avx2,
    backward_weights_direct_portable;

}  // namespace sextant
