// SPDX-License-Identifier: Apache-2.0
// The kernels of pools' gradients in a blocked layout, one set for each instruction set.
#pragma once
#include "pool2d/windows.h"

namespace sextant {

/// One row of outputs of one channel block; pitches are in floats.
struct pool2d_backward_row {
    const float* src;       // pixel (0, 0) of the block; of a maximum only
    const float* diff_dst;  // the row
    float* diff_src;        // pixel (0, 0), holding what is added to
    int64_t src_pitch, diff_src_pitch;
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
};

extern const pool2d_backward_kernels pool2d_backward_avx512, pool2d_backward_avx2, pool2d_backward_portable;

}  // namespace sextant
