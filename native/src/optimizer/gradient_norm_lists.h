// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "optimizer/gradient_norm.h"
#include "optimizer/optimizer_kernels.h"

namespace sextant {

std::unique_ptr<op> create_gradient_norm(const gradient_norm_problem&, const optimizer_kernels&);
std::unique_ptr<op> create_gradient_norm_reference(const gradient_norm_problem&, const gradient_norm_parameters&,
                                                   const device_traits&);

}  // namespace sextant
