// SPDX-License-Identifier: Apache-2.0
// The kernels of pools' gradients in a blocked layout, one set for each instruction set and pair of element types. Sums are
// floats: where diff_src is not, its rows are summed in scratch memory, of which each row of windows needs a few.
#pragma once
#include "pool2d/windows.h"

namespace sextant {

/// One row of outputs of one channel block; pitches are in elements.
struct pool2d_backward_row {
    const void* src;       // pixel (0, 0) of the block; of a maximum only
    const void* diff_dst;  // the row
    float* sums;           // a ring of `sum_rows` rows of diff_src, holding what is added to
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
    void (*clear)(float* row, int64_t count);
    /// Between a row of diff_src and its sums, `count` elements; null where these are the same.
    void (*read)(const void* row, float* sums, int64_t count);
    void (*write)(const float* sums, void* row, int64_t count);
};

extern const pool2d_backward_kernels pool2d_backward_avx512, pool2d_backward_avx2, pool2d_backward_portable;
/// src and diff_src of bf16; by the element type of diff_dst, null where there are none.
extern const pool2d_backward_kernels* const pool2d_backward_avx512_bf16[3];

}  // namespace sextant
