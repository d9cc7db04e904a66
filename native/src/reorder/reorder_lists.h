// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "reorder/reorder.h"

namespace sextant {

/// A run of `pixels` of one channel block, of which `channels` exist. Blocked pixels lie side by side; in NCHW the pixels of a
/// channel do, and its channels are `channel_pitch` floats apart.
struct reorder_run {
    const float* src;
    float* dst;
    int64_t pixels;
    int channels;
    int64_t channel_pitch;
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

std::unique_ptr<op> create_reorder(const reorder_problem&, const reorder_kernels&);
std::unique_ptr<op> create_reorder_reference(const reorder_problem&, const reorder_parameters&, const device_traits&);

}  // namespace sextant
