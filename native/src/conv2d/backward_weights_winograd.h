// SPDX-License-Identifier: Apache-2.0
// Gradients of weights in Winograd's domain: what the loops (backward_weights_winograd.cc) and the transforms
// (backward_weights_winograd.inl.h) tell one another. All distances are in elements.
//
// V holds a block of transformed source tiles, D those of diff_dst, U the sums of their products over all tiles, each frequency
// by itself:
//   V [frequency][channel block of src][tile][lanes]
//   D [frequency][channel block of diff_dst][tile][lanes]
//   U [frequency][panel of output channels][channel][vectors * lanes]
#pragma once
#include "conv2d/backward_weights_direct.h"
#include "conv2d/winograd.h"

namespace sextant {

/// Adjacent tiles of one row of tiles, one block of output channels: diff_dst to D.
struct winograd_gradient_strip {
    const void* rows[winograd_most_size];  // m of them: the first tile's column 0; zeros for a row outside
    int columns;                            // that exist, from the first tile's first on
    int tiles;
    float* d;                               // frequency 0, the first tile
    int64_t frequency;
};

/// All frequencies of some channels and one panel to the sums of the weights themselves, [channel][r][s][vectors * lanes].
struct winograd_gradient_result {
    const float* u;  // frequency 0, the first channel
    int64_t frequency;
    int channels, vectors;
    float* sums;
};

/// The transforms of one instruction set and element type for m x m tiles of an r x r convolution; the products are those of
/// direct sums of float32.
struct backward_weights_winograd_kernels {
    int m, r;
    const winograd_kernels* forward;  // whose transform of the source is the same
    const backward_weights_direct_kernels<f32_format>* direct;
    void (*diff)(const winograd_gradient_strip&);
    void (*plane)(const backward_weights_plane&);
    void (*result)(const winograd_gradient_result&);
};

extern const backward_weights_winograd_kernels backward_weights_winograd4_avx512, backward_weights_winograd4_avx2;
extern const backward_weights_winograd_kernels backward_weights_winograd2_5x5_avx512, backward_weights_winograd2_5x5_avx2;
extern const backward_weights_winograd_kernels backward_weights_winograd4_avx512_bf16;  // of bf16 operands
extern const backward_weights_winograd_kernels backward_weights_winograd2_5x5_avx512_bf16;

}  // namespace sextant
