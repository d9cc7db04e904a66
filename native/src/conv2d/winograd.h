// SPDX-License-Identifier: Apache-2.0
// Winograd convolution: the loops (winograd.cc) know no instruction set, the transforms and the product (winograd.inl.h) know
// nothing else. This is what one tells the other. All distances are in elements.
//
// V holds transformed source tiles, U transformed weights, M their products, each frequency (of (m + r - 1)^2) by itself:
//   V [frequency][group of tiles][c / lanes][slot][lanes]
//   U [frequency][panel of output channels][c][vectors * lanes]
//   M [frequency][group of tiles][panel][slot][vectors * lanes]
#pragma once
#include <cstdint>

namespace sextant {

inline constexpr int winograd_most_size = 6;  // m + r - 1

/// Adjacent tiles of one row of tiles, one block of channels: source to V.
struct winograd_strip {
    const void* rows[winograd_most_size];   // where column 0 of each image row lies; a pixel of zeros for a row outside
    int64_t step[winograd_most_size];       // from a column to the next; 0 for a row outside
    int first_column;                       // of the first tile; columns outside 0 ... width are zeros
    int width;
    int tiles, first_tile;                  // how many, and the first's number within V
    int group_tiles;
    float* v;                               // frequency 0, group 0, the block's slot 0
    int64_t frequency, group;
    float* columns;                         // scratch: winograd_strip_floats()
};

/// One group of tiles times one panel: adds `blocks` blocks of channels into M.
struct winograd_product {
    const float *v, *u;
    float* m;
    int blocks, tail_channels;  // full blocks, then channels of a last partial one (0: none)
    bool add;                   // to what M holds, else M is new
    const float* next;          // next_lines cache lines of it a block are fetched into L2 meanwhile
    int next_lines;
};

/// Adjacent tiles of one row of tiles, one vector of output channels: M to dst.
struct winograd_result {
    const float* m;  // frequency 0, group 0, the panel's slot 0, the vector's lanes
    int64_t frequency, group, slot;
    int tiles, first_tile, group_tiles;
    const float* bias;
    void* dst;  // the first tile's pixel (0, 0)
    int64_t dst_row;
    const void* residual;  // or null
    int64_t residual_row;
    int rows, columns;  // pixels of dst that exist, from the first tile's first on
    int activation;
};

/// Elements of a strip's scratch: its columns after the vertical transform.
constexpr int winograd_strip_tiles = 7;
constexpr int64_t winograd_strip_floats(int m, int r, int lanes) {
    return int64_t{winograd_strip_tiles * m + r - 1} * (m + r - 1) * lanes;
}

/// The transforms and products of one instruction set for m x m results of an r x r convolution.
struct winograd_kernels {
    static constexpr int most_tiles = 14;
    int m, r, lanes, tiles;  // tiles: most in a group
    int32_t dtype;        // of src, residual and dst
    void (*source)(const winograd_strip&);
    void (*product[2][most_tiles + 1])(const winograd_product&);  // [vectors - 1][tiles]
    void (*result)(const winograd_result&);
};

extern const winograd_kernels winograd4_avx512, winograd4_avx2, winograd2_avx512;
extern const winograd_kernels winograd2_5x5_avx512, winograd2_5x5_avx2;

}  // namespace sextant
