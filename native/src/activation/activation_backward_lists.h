// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "activation/activation_backward.h"
#include "activation/backward_kernels.h"

namespace sextant {

std::unique_ptr<op> create_activation_backward(const sextant_activation_backward&, const activation_backward_kernels&);
std::unique_ptr<op> create_activation_backward_reference(const sextant_activation_backward&, const activation_backward_parameters&,
                                                         const device_traits&);

}  // namespace sextant
