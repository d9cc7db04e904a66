// SPDX-License-Identifier: Apache-2.0
// The kernels of pools' gradients in a blocked layout, one set for each instruction set and choice of element types. Where
// windows overlap, sums are floats: rows of a diff_src of another type are summed in scratch memory, a few at a time.
#pragma once
#include "pool2d/windows.h"

namespace sextant {

/// One row of outputs of one channel block; pitches are in elements.
struct pool2d_backward_row {
    const void* src;       // pixel (0, 0) of the block; of a maximum only
    const void* diff_dst;  // the row
    void* sums;            // a ring of `sum_rows` rows of diff_src, holding what is added to
    int64_t src_pitch, sums_pitch;
    int sum_rows, first_sum_row;  // first_sum_row: where the window's first row lies
    window rows;
    const window* columns;  // one for each output
    int outputs;
    int inner_first, inner_last;  // outputs whose windows the image does not cut at the sides
    int dilation_h, dilation_w;
};

using pool2d_backward_kernel = void(const pool2d_backward_row&);

struct pool2d_backward_kernels {
    int block;
    pool2d_backward_kernel *max, *max_2x2, *max_3x3, *average;
    void (*clear)(void* sums, int64_t count);
    /// Between a row of diff_src and its sums, `count` elements; null where these are the same.
    void (*read)(const void* row, void* sums, int64_t count);
    void (*write)(const void* sums, void* row, int64_t count);
};

extern const pool2d_backward_kernels pool2d_backward_avx512, pool2d_backward_avx2, pool2d_backward_portable;
/// src and diff_src of bf16; by the element type of diff_dst, null where there are none. The latter for windows that are apart,
/// where each pixel gets one number at most, in place.
extern const pool2d_backward_kernels *const pool2d_backward_avx512_bf16[3], *const pool2d_backward_apart_avx512_bf16[3];

}  // namespace sextant
