// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "pool2d/pool2d_backward.h"
#include "pool2d/backward_kernels.h"
#include "pool2d/pool2d_lists.h"

namespace sextant {

/// Whether a pixel may lie in several windows.
bool pool2d_windows_overlap(const sextant_pool2d&);

std::unique_ptr<op> create_pool2d_backward(const sextant_pool2d_backward&, const pool2d_backward_kernels&);
std::unique_ptr<op> create_pool2d_backward_reference(const sextant_pool2d_backward&, const pool2d_backward_parameters&,
                                                     const device_traits&);

}  // namespace sextant
