// SPDX-License-Identifier: Apache-2.0
// How a direct convolution is cut: the output into tiles (a row or two of pixels x a panel of two vectors of channels), tiles
// and panels into tasks.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime/op.h"

namespace sextant {

/// What the cut depends on besides the problem.
struct tiling_costs {
    int lanes, pixels;       // of the register tile
    int channels;            // that one multiply-add takes
    int64_t element_bytes;   // of the source as the tiles read it
    bool staged;             // each tile's source is copied first
    bool spreads;            // results can be copied from a tile to their places
};

/// Where a tile lies: image, first row and column of the (possibly flattened) output, and its size.
struct tile_place {
    int n, row, column, rows, columns;
};

class tiling {
  public:
    /// @param panel_vectors vectors of output channels in each panel
    tiling(const sextant_conv2d&, const tiling_costs&, const std::vector<int>& panel_vectors, const device_traits&);

    bool flat;        // 1x1 without stride from planes without borders: the pixels are one long row
    bool spread;      // of those, into planes with borders: results are copied to their places
    bool dense_taps;  // 1x1: of the source only the pixels that are used matter
    int rows, columns, tile_rows, tile_columns;
    int64_t tiles, tile_blocks, panel_blocks;  // tasks: tile_blocks x panel_blocks
    // A staged source, [tile][channel block][row][column][lanes]:
    int stage_rows, stage_columns;
    int64_t stage_tiles, stage_tile_elements;  // 0 when it is not staged

    tile_place place_of(int64_t tile) const;
    void advance(tile_place& at) const;

  private:
    void choose_tiles(int pixels);
    bool spread_pays(int pixels) const;
    void choose_tasks(const std::vector<int>& panel_vectors, const device_traits&);
    void balance(const std::vector<int>& panel_vectors, int threads, int64_t enough);
    double cycles(int64_t pixels, int64_t vectors) const;

    const sextant_conv2d problem_;
    const tiling_costs costs_;
    int tiles_down_, tiles_across_;
};

}  // namespace sextant
