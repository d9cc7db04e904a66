// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "lrn/lrn_backward.h"
#include "lrn/backward_kernels.h"

namespace sextant {

std::unique_ptr<op> create_lrn_backward(const sextant_lrn_backward&, const lrn_backward_kernels&);
std::unique_ptr<op> create_lrn_backward_reference(const sextant_lrn_backward&, const lrn_backward_parameters&,
                                                  const device_traits&);

}  // namespace sextant
