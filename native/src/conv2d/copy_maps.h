// SPDX-License-Identifier: Apache-2.0
// What Hopper's copy engine is told about a tensor: where it lies and which part of it one instruction brings (CUDA driver API,
// "tensor map object management"). Rows of a part are 32, 64 or 128 bytes and come swizzled by as many.
#pragma once
#include <cuda.h>

#include <initializer_list>

#include "conv2d/wgmma_product.h"

namespace sextant::cuda {

inline int map_element_bytes(int dtype) { return dtype == SEXTANT_TF32 ? 4 : 2; }

inline int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// One dimension of a tensor; the stride, in bytes, of the first is not asked for.
struct map_dimension {
    int64_t size, stride;
};

/// @param box elements along each dimension that one instruction brings
/// @param what it is, for a failure
CUtensorMap map_of_boxes(int dtype, const void* address, std::initializer_list<map_dimension> dimensions,
                         std::initializer_list<int> box, int row_bytes, const char* what);

/// The first and the last window's first pixel along one side, as the engine counts: from the image's corners.
struct window_bounds {
    int lower, upper;
    window_bounds(int pad, int stride, int windows, int pixels)
        : lower(-pad), upper((windows - 1) * stride - pad + 1 - pixels) {}
    bool fit() const { return lower >= -128 && lower <= 127 && upper >= -128 && upper <= 127; }
};

/// `pixels` windows' pixels of one tap at a time.
CUtensorMap map_of_windows(const wgmma_geometry&, const void* address, int pixels, int chunk_elements, int row_bytes);

/// Columns and rows of a box of windows.
struct window_box {
    int q, p;
};

/// Of `pixels` windows, the box that wastes least at the image's edges.
window_box best_box(const wgmma_geometry&, int pixels);

/// A box of windows' rows of a first layer's padded picture: dimensions are within a row, q, r, p, n.
CUtensorMap map_of_picture(const wgmma_geometry&, const void* address, const window_box& box, int chunk_elements, int row_bytes);

}  // namespace sextant::cuda
