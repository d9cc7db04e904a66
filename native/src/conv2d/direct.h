// SPDX-License-Identifier: Apache-2.0
// Direct convolution: the loops (direct.cc) know no instruction set, the register tiles (direct.inl.h) know nothing else. This
// is what one tells the other. All distances are in elements of their tensor.
#pragma once
#include <cstdint>

#include "conv2d/target.h"
#include "conv2d/weights.h"
#include "simd/formats.h"

namespace sextant {

/// One register tile: rows x columns output pixels of one panel (one or two vectors of output channels).
template <class Format>
struct direct_tile {
    const typename Format::element* src;     // tile's first pixel at tap (0, 0), first channel block
    int64_t src_plane;                       // from a channel block to the next
    int64_t src_row;                         // between the pixels of two output rows
    int64_t src_column;                      // between the pixels of two output columns
    int64_t tap_row, tap_column;
    const typename Format::weight* weights;  // [block][r][s][channel / channels][vectors * lanes][channels]
    int blocks, tail_steps;  // full channel blocks, then multiply-adds for the channels of a last partial one (0: none)
    int r, s;
    const typename Format::sum* initial;     // what the sums begin with, vectors * lanes
    tile_target target;
    // What to fetch into the caches meanwhile:
    const typename Format::element* ahead;   // per channel block the tile's pixels from here; or null
    int64_t ahead_plane, ahead_row;
    const std::byte* next_weights;           // per tap next_lines lines
    int next_lines;
    bool fetch_dst, fetch_residual;          // the lines that will be written and added
};

template <class Format>
using direct_function = void (*)(const direct_tile<Format>&);

/// The tiles of one instruction set. Stride index: 0 any (taken from src_column), 1, 2. Other strides than 1 and 2 are rare: one
/// vector of output channels is enough for them.
template <class Format>
struct direct_kernels {
    static constexpr int most_pixels = 14;
    /// dst[i] = max(0, src[i * step] * scale + shift), dst dense; with a null scale a plain copy.
    using stage_function = void (*)(typename Format::element* dst, const void* src, int64_t step, int pixels, const float* scale,
                                    const float* shift);
    int lanes;
    int pixels;  // most in a tile
    direct_function<Format> one_row[3][2][most_pixels + 1];       // [stride][vectors - 1][columns]
    direct_function<Format> two_rows[3][2][most_pixels / 2 + 1];  // [stride][vectors - 1][columns]
    stage_function stage[3];  // [src's dtype]; null where it cannot
    weight_gatherer gather;
    /// bf16 weights: vectors of channels 2 i and 2 i + 1 side by side, `pitch` from one to the next.
    void (*narrow)(const float* from, int64_t pairs, typename Format::weight* to, int64_t pitch);
    /// Pixels of a tile, dense, to pixels `column` apart, or added to them; dst is float32 or of the format's elements.
    void (*spread)(void* dst, int dtype, int64_t column, const float* tile, int pixels, bool add);
};

extern const direct_kernels<f32_format> direct_avx512, direct_avx2, direct_portable;
extern const direct_kernels<bf16_format> direct_bf16_avx512_bf16;
extern const direct_kernels<u8_format> direct_u8_avx512_bf16;

}  // namespace sextant
