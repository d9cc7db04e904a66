// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "cross_entropy/cross_entropy.h"
#include "cross_entropy/cross_entropy_kernels.h"

namespace sextant {

/// Exponential, sums and gradient of each element.
inline int64_t cross_entropy_flops(const sextant_cross_entropy& a) { return 8 * int64_t{a.src.n} * a.src.c; }

std::unique_ptr<op> create_cross_entropy(const sextant_cross_entropy&, cross_entropy_kernel*);
std::unique_ptr<op> create_cross_entropy_reference(const sextant_cross_entropy&, const cross_entropy_parameters&,
                                                   const device_traits&);

}  // namespace sextant
