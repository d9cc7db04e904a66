// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "batch_norm/batch_norm_backward.h"
#include "batch_norm/training_kernels.h"

namespace sextant {

/// Additions and multiplications of both passes.
inline int64_t batch_norm_backward_flops(const sextant_batch_norm_backward& a) {
    return 12 * int64_t{a.diff_src.n} * a.diff_src.c * a.diff_src.h * a.diff_src.w;
}

std::unique_ptr<op> create_batch_norm_backward(const sextant_batch_norm_backward&, const batch_norm_training_kernels&);
std::unique_ptr<op> create_batch_norm_backward_reference(const sextant_batch_norm_backward&, const batch_norm_backward_parameters&,
                                                         const device_traits&);

}  // namespace sextant
