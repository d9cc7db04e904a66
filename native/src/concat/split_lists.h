// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "concat/split.h"
#include "concat/gather_lanes.h"

namespace sextant {

std::unique_ptr<op> create_split_blocked(const split_problem&, const gather_kernels&);
std::unique_ptr<op> create_split_planar(const split_problem&, const split_parameters&, const device_traits&);
std::unique_ptr<op> create_split_reference(const split_problem&, const split_parameters&, const device_traits&);

}  // namespace sextant
