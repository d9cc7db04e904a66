// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "reorder/reorder.h"
#include "simd/quantisation.h"

namespace sextant {

/// A run of `pixels` of one channel block, of which `channels` exist. Blocked pixels lie side by side; in NCHW the pixels of a
/// channel do, and its channels are `channel_pitch` elements apart.
struct reorder_run {
    const void* src;
    void* dst;
    int64_t pixels;
    int channels;
    int64_t channel_pitch;
    quantisation src_stored, dst_stored;
    int32_t zero_point;  // dst's: what stands for zero where stored numbers are moved as they are
};

using reorder_kernel = void(const reorder_run&);

struct reorder_kernels {
    int block;
    reorder_kernel* to_blocked;       // NCHW to blocked; lanes past `channels` become zero
    reorder_kernel* to_planar;        // blocked to NCHW
    reorder_kernel* between_blocked;  // lanes past `channels` become zero
    reorder_kernel* between_planar;   // channels is 1
};

extern const reorder_kernels reorder_avx512, reorder_avx2, reorder_portable;
/// By the element types of src and dst; null where there are none. From a type to itself: into another scale.
extern const reorder_kernels* const reorder_avx512_bf16[3][3];
/// The same bits in another place: of bf16, of uint8.
extern const reorder_kernels reorder_avx512_bf16_raw16, reorder_avx512_bf16_raw8;

std::unique_ptr<op> create_reorder(const reorder_problem&, const reorder_kernels&);
std::unique_ptr<op> create_reorder_reference(const reorder_problem&, const reorder_parameters&, const device_traits&);

}  // namespace sextant
