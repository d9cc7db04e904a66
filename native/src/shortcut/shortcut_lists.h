// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names.
#pragma once
#include "concat/gather_lanes.h"
#include "shortcut/shortcut.h"

namespace sextant {

/// src and dst in the layout whose blocks the kernels know.
std::unique_ptr<op> create_shortcut_blocked(const sextant_shortcut&, const gather_kernels&);
std::unique_ptr<op> create_shortcut_reference(const sextant_shortcut&, const shortcut_parameters&, const device_traits&);

}  // namespace sextant
