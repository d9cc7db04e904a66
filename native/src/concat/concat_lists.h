// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names.
#pragma once
#include "concat/concat.h"
#include "concat/gather_lanes.h"

namespace sextant {

/// Sources and dst in the layout whose blocks the kernels know.
std::unique_ptr<op> create_concat_blocked(const concat_problem&, const gather_kernels&);
/// Sources and dst in NCHW.
std::unique_ptr<op> create_concat_planar(const concat_problem&, const concat_parameters&, const device_traits&);
std::unique_ptr<op> create_concat_reference(const concat_problem&, const concat_parameters&, const device_traits&);

}  // namespace sextant
