// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "batch_norm/batch_norm_forward.h"
#include "batch_norm/training_kernels.h"

namespace sextant {

/// Additions and multiplications of both passes.
inline int64_t batch_norm_forward_flops(const sextant_batch_norm_forward& a) {
    return 7 * int64_t{a.dst.n} * a.dst.c * a.dst.h * a.dst.w;
}

std::unique_ptr<op> create_batch_norm_forward(const sextant_batch_norm_forward&, const batch_norm_training_kernels&);
std::unique_ptr<op> create_batch_norm_forward_reference(const sextant_batch_norm_forward&, const batch_norm_forward_parameters&,
                                                        const device_traits&);

}  // namespace sextant
