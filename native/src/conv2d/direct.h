// SPDX-License-Identifier: Apache-2.0
// Direct convolution: the loops (direct.cc) know no instruction set, the register tiles (direct.inl.h) know nothing else. This
// is what one tells the other. All distances are in floats.
#pragma once
#include <cstdint>

namespace sextant {

/// One register tile: rows x columns output pixels of one panel (one or two vectors of output channels).
struct direct_tile {
    const float* src;         // tile's first pixel at tap (0, 0), first channel block
    int64_t src_plane;        // from a channel block to the next
    int64_t src_row;          // between the pixels of two output rows
    int64_t src_column;       // between the pixels of two output columns
    int64_t tap_row, tap_column;
    const float* weights;     // [block][r][s][channel][vectors * lanes]
    int blocks, tail_channels;  // full channel blocks, then channels of a last partial one (0: none)
    int r, s;
    const float* bias;        // vectors * lanes
    float* dst;
    int64_t dst_plane, dst_row;
    const float* residual;    // or null
    int64_t residual_plane, residual_row;
    int activation;
    // What to fetch into the caches meanwhile:
    const float* ahead;       // per channel block the tile's pixels from here, `ahead_plane` further for each block; or null
    int64_t ahead_plane, ahead_row;
    const float* next_weights;  // per tap next_lines lines
    int next_lines;
    bool fetch_dst;           // the lines that will be written
};

using direct_function = void (*)(const direct_tile&);

/// The tiles of one instruction set. Stride index: 0 any (taken from src_column), 1, 2.
struct direct_kernels {
    static constexpr int most_pixels = 14;
    int lanes;
    int pixels;  // most in a tile
    direct_function one_row[3][2][most_pixels + 1];       // [stride][vectors - 1][columns]
    direct_function two_rows[3][2][most_pixels / 2 + 1];  // [stride][vectors - 1][columns]
    /// dst[i] = max(0, src[i * step] * scale + shift), dst dense; with a null scale a plain copy.
    void (*stage)(float* dst, const float* src, int64_t step, int pixels, const float* scale, const float* shift);
};

extern const direct_kernels direct_avx512, direct_avx2, direct_portable;

}  // namespace sextant
