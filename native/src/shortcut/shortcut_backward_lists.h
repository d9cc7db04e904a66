// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "concat/gather_lanes.h"
#include "shortcut/shortcut_backward.h"

namespace sextant {

std::unique_ptr<op> create_shortcut_backward(const shortcut_backward_problem&, const gather_kernels&);
std::unique_ptr<op> create_shortcut_backward_reference(const shortcut_backward_problem&, const shortcut_backward_parameters&,
                                                       const device_traits&);

}  // namespace sextant
