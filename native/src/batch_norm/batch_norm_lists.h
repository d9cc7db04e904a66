// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "batch_norm/batch_norm.h"
#include "simd/quantisation.h"

namespace sextant {

/// dst = act(src * scale + shift) over a run of one channel block's pixels: `count` elements, a multiple of the block, at
/// addresses aligned to it, with a block of scales and shifts. In NCHW: one channel's pixels, any address, one of each.
/// src is multiplied as stored: its quantisation is in scale and shift. dst may be src.
using batch_norm_kernel = void(const void* src, void* dst, int64_t count, const float* scale, const float* shift,
                               const quantisation& stored);

/// One for each activation function, by its number.
struct batch_norm_kernels {
    int block;
    batch_norm_kernel* blocked[4];
    batch_norm_kernel* planar[4];
};

extern const batch_norm_kernels batch_norm_avx512, batch_norm_avx2, batch_norm_portable;
/// By the element types of src and dst; null where there are none.
extern const batch_norm_kernels* const batch_norm_avx512_bf16[3][3];

std::unique_ptr<op> create_batch_norm(const sextant_batch_norm&, const batch_norm_parameters&, const batch_norm_kernels&);
std::unique_ptr<op> create_batch_norm_reference(const sextant_batch_norm&, const batch_norm_parameters&, const device_traits&);

}  // namespace sextant
