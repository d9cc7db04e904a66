// SPDX-License-Identifier: Apache-2.0
// Winograd convolution: the loops (winograd.cc) know no instruction set, the transforms and the product (winograd.inl.h) know
// nothing else. This is what one tells the other. All distances are in elements.
//
// V holds a block of transformed source tiles, U the transformed weights, M their products, each frequency (of (m + r - 1)^2) by
// itself:
//   V [frequency][channel block of src][tile][lanes]
//   U [frequency][panel of output channels][channel][vectors * lanes]
//   M [frequency][channel block of dst][tile][lanes]
#pragma once
#include <cstdint>

#include "conv2d/weights.h"

namespace sextant {

inline constexpr int winograd_most_size = 6;  // m + r - 1

/// The points at which six frequencies evaluate: 0, +-a, +-b and infinity.
inline constexpr double winograd_a = 0.625, winograd_b = 1.5;

/// Adjacent tiles of one row of tiles, one block of channels: source to V.
struct winograd_strip {
    const void* rows[winograd_most_size];  // column 0 of each image row; as many zeros for a row outside
    int first_column;                      // of the first tile; columns outside 0 ... width are zeros
    int width;
    int tiles;
    float* v;                              // frequency 0, the first tile
    int64_t frequency;                     // from a frequency to the next
};

/// Some tiles times one panel: adds `blocks` blocks of channels into M.
struct winograd_product {
    const float* v;             // the first block, the first tile
    int64_t v_block;            // from a channel block to the next
    const float* u;
    float* m;                   // the panel's first block, the first tile
    int64_t m_block;
    int blocks, tail_channels;  // full blocks, then channels of a last partial one (0: none)
    bool add;                   // to what M holds, else M is new
    const float* next;          // next_lines cache lines of it a block are fetched into L2 meanwhile
    int next_lines;
};

/// Adjacent tiles of one row of tiles, one block of output channels: M to dst.
struct winograd_result {
    const float* m;  // frequency 0, the first tile
    int64_t frequency;
    int tiles;
    const float* bias;
    void* dst;  // the first tile's pixel (0, 0)
    int64_t dst_row;
    const void* residual;  // or null
    int64_t residual_row;
    int rows, columns;  // pixels of dst that exist, from the first tile's first on
    int activation;
};

/// The transforms and products of one instruction set for m x m results of an r x r convolution.
struct winograd_kernels {
    static constexpr int most_tiles = 14;
    int m, r, lanes, tiles;  // tiles: most in a product
    bool whole_groups;       // a thread's own block is a multiple of so many tiles
    void (*source)(const winograd_strip&);
    void (*product[2][most_tiles + 1])(const winograd_product&);  // [vectors - 1][tiles]
    void (*result)(const winograd_result&);
    /// w: [channel][r][s][lanes]. u: frequency 0 of the first channel; `channel` and `frequency` are from one to the next.
    void (*weights)(const float* w, int channels, float* u, int64_t channel, int64_t frequency, bool streamed);
    weight_gatherer gather;
};

extern const winograd_kernels winograd4_avx512, winograd4_avx2, winograd2_avx512;
extern const winograd_kernels winograd2_5x5_avx512, winograd2_5x5_avx2;
extern const winograd_kernels winograd4_avx512_bf16, winograd2_avx512_bf16, winograd2_5x5_avx512_bf16;  // of bf16 operands

}  // namespace sextant
