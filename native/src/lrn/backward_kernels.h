// SPDX-License-Identifier: Apache-2.0
// The kernels of local response normalisation's gradient in a blocked layout, one for each instruction set and element type,
// which is that of all tensors.
#pragma once
#include <cstdint>

namespace sextant {

/// A strip of at most lrn_strip pixels with all their channels.
struct lrn_backward_run {
    const void *src, *diff_dst;
    void* diff_src;
    int64_t src_pitch, diff_dst_pitch, diff_src_pitch;  // elements between channel blocks
    int pixels, channels;
    int before, after;  // channels of the window on either side
    float alpha, beta, bias;
    bool accumulate;
    float* scratch;  // for each pixel of a whole strip two rows of lrn_pixel_floats() and one of the channels
};

struct lrn_backward_kernels {
    int block;
    void (*run)(const lrn_backward_run&);
};

extern const lrn_backward_kernels lrn_backward_avx512, lrn_backward_avx2, lrn_backward_portable;
/// Of bf16.
extern const lrn_backward_kernels lrn_backward_avx512_bf16;

}  // namespace sextant
