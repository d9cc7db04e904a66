// SPDX-License-Identifier: Apache-2.0
// Gradients of weights by direct sums: what the loops (backward_weights_direct.cc) and the register tiles
// (backward_weights_direct.inl.h) tell one another. All distances are in elements.
//
// One multiply-add takes as many pixels as its format (simd/formats.h) says channels: of float32 one, straight from the tensors;
// of bf16 a pair, neighbours along a row of diff_dst and the two pixels of src that one tap of them meets. Pairs are packed
// first, [pair][lanes][2], so that a channel's two pixels are 32 bits.
#pragma once
#include "conv2d/backward_weights_sums.h"
#include "simd/formats.h"

namespace sextant {

/// A few input channels of one tap x one panel of output channels, over some pixels of some images.
template <class Format>
struct backward_weights_tile {
    using element = typename Format::element;
    const element* src;  // the first channel at the first pixel's (or pair's) tap
    int64_t src_image, src_row, src_column;
    const element* diff;  // the panel's first vector at the first pixel or pair
    int64_t diff_image, diff_row, diff_plane;
    int images, rows, columns;  // columns of pixels or of pairs
    float* sums;                // added to: vectors * lanes for each channel
    int64_t sums_channel;
    const element* ahead;  // as many pixels or pairs of the next strip, fetched into L2 meanwhile
    int64_t ahead_row, ahead_column;
};

/// Pixels of a row of one block of channels to pairs: pair i has the pixels in columns first + i * step and `partner` after it,
/// zeros for columns outside 0 ... width.
struct backward_weights_pairs {
    const bfloat16* row;  // column 0
    int first, step, partner, width, count;
    bfloat16* pairs;
};

template <class Format>
struct backward_weights_direct_kernels {
    static constexpr int most_channels = 16;
    int lanes;
    int channels[2];  // most in a tile of [vectors - 1]
    void (*tiles[2][most_channels + 1])(const backward_weights_tile<Format>&);  // [vectors - 1][channels]
    void (*plane)(const backward_weights_plane&);
    void (*finish)(const backward_weights_result&);
    void (*pack)(const backward_weights_pairs&);  // of bf16
};

extern const backward_weights_direct_kernels<f32_format> backward_weights_direct_avx512, backward_weights_direct_avx2,
    backward_weights_direct_portable;
extern const backward_weights_direct_kernels<bf16_format> backward_weights_direct_avx512_bf16;

}  // namespace sextant
