// SPDX-License-Identifier: Apache-2.0
// Convolutions on tensor cores by the instructions that all of them have from compute capability 8.0 on: bf16, fp16 and tf32 in
// SEXTANT_NHWC, sums in float32. Any shape, stride, padding, dilation; groups whose channels are whole units of 8.
//
// Forward and backward with respect to the source are a gather, as in simt.cuh: rows are pixels, columns output channels, the
// depth is taps times units of 16 bytes of channels. A block of 256 threads keeps four slices of 64 bytes of depth in shared
// memory,
//   left[row][4 units + 1], right[column][4 units + 1]
// (an odd pitch in units, so that 8 rows lie in different banks), three of them on their way while one is multiplied. Padding
// and tails arrive as zeros.
// The gradient of the weights sums over pixels: left[pixel][k], right[pixel][depth], both read transposed.
#pragma once
#include "conv2d/gather.h"
#include "conv2d/tensor_core.h"

namespace sextant::cuda::mma {

inline constexpr int threads = 256;
inline constexpr int stages = 4;

template <class Element>
constexpr int unit = 16 / sizeof(Element);  // elements

/// How a block's 8 warps share its sums: each has Rows x Columns products of 16 x 8.
template <int TileRows, int TileColumns, int WarpRows>
struct warp_tiles {
    static constexpr int warp_columns = 8 / WarpRows;
    static constexpr int height = TileRows / WarpRows, width = TileColumns / warp_columns;
    static constexpr int rows = height / 16, columns = width / 8;
    static_assert(columns % 2 == 0);

    float sums[rows][columns][4] = {};

    __device__ static int first_row() { return static_cast<int>(threadIdx.x) / 32 / warp_columns * height; }
    __device__ static int first_column() { return static_cast<int>(threadIdx.x) / 32 % warp_columns * width; }

    /// visit(row, column, two sums side by side) for each of the thread's.
    template <class Visit>
    __device__ void each_pair(Visit&& visit) const {
        const int lane = threadIdx.x % 32;
#pragma unroll
        for (int i = 0; i < rows; ++i)
#pragma unroll
            for (int j = 0; j < columns; ++j)
#pragma unroll
                for (int half = 0; half < 2; ++half)
                    visit(first_row() + i * 16 + half * 8 + lane / 4, first_column() + j * 8 + lane % 4 * 2,
                          float2{sums[i][j][2 * half], sums[i][j][2 * half + 1]});
    }
};

/// Of the tensors whose numbers are multiplied, and of the others, which may have any element type.
inline std::string declines(const sextant_conv2d& a, const sextant_tensor& factor, const sextant_tensor& other) {
    if (factor.dtype == SEXTANT_F32) return "float32 is not to be rounded";
    if (a.strict) return "strict";
    if (!is_nhwc(factor) || !is_nhwc(other) || (a.has_residual && !is_nhwc(a.residual))) return "a tensor is not NHWC";
    if (a.groups > 1 && (a.src.c / a.groups % 8 != 0 || a.dst.c / a.groups % 8 != 0))
        return "a group's channels are no whole units of 8";
    return too_large(a);
}

template <template <class> class Op, class... Arguments>
std::unique_ptr<op> create(int32_t dtype, const Arguments&... arguments) {
    std::unique_ptr<op> made;
    visit_element(dtype, [&](auto element) { made = std::make_unique<Op<decltype(element)>>(arguments...); });
    return made;
}

}  // namespace sextant::cuda::mma
