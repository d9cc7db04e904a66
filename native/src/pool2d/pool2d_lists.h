// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "pool2d/pool2d.h"
#include "pool2d/windows.h"
#include "simd/quantisation.h"

namespace sextant {

/// One output row of one channel block (NCHW: of one channel).
struct pool2d_row {
    const void* src;    // pixel (0, 0)
    int64_t src_pitch;  // elements between its rows
    void* dst;
    window rows;
    const window* columns;  // one for each output
    int outputs;
    int inner_first, inner_last;  // outputs whose windows the image does not cut, stride_w apart
    int stride_w;
    int dilation_h, dilation_w;
    int src_w;       // planar kernels only
    float* scratch;  // planar kernels only: pool2d_scratch_floats()
    const float *pre_scale, *pre_shift;  // the block's, for kernels with a pre-activation only; src's quantisation is in them
    quantisation src_stored, dst_stored;
};

/// A row of pixels in whole vectors, and three vectors that may be read beyond it.
inline int64_t pool2d_scratch_floats(int w) { return (int64_t{w} + 15) / 16 * 16 + 3 * 16; }

using pool2d_kernel = void(const pool2d_row&);

struct pool2d_kernels {
    int block;
    /// `any` takes every window; the others expect this kernel size and stride along w, dilation 1, any stride along h.
    struct blocked {
        pool2d_kernel *any, *w2x2_stride2, *w3x3_stride1, *w3x3_stride2;
    };
    struct {
        blocked plain, pre_activation;
        pool2d_kernel* planar;  // null: none
    } max, average;
    /// On stored numbers, null where there are none: maxima when src's and dst's mean the same, sums of at most
    /// pool2d_stored_taps.
    blocked max_of_stored, average_of_stored;
};

/// So many uint8 fit into 16 bits.
inline constexpr int64_t pool2d_stored_taps = 257;

extern const pool2d_kernels pool2d_avx512, pool2d_avx2, pool2d_portable;
/// By the element types of src and dst; null where there are none.
extern const pool2d_kernels* const pool2d_avx512_bf16[3][3];

/// Why the blocked or the planar kernels do not take the problem; empty when they do.
std::string pool2d_blocked_declines(const sextant_pool2d&, const pool2d_kernels&);
std::string pool2d_planar_declines(const sextant_pool2d&);

std::unique_ptr<op> create_pool2d(const sextant_pool2d&, const pool2d_parameters&, const pool2d_kernels&);
std::unique_ptr<op> create_pool2d_reference(const sextant_pool2d&, const pool2d_parameters&, const device_traits&);

/// Comparisons or additions, one for each pixel of each window.
int64_t pool2d_flops(const sextant_pool2d&);

}  // namespace sextant
