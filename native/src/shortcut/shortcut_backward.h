// SPDX-License-Identifier: Apache-2.0
// The gradient of the parameter-free shortcut.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// The arguments of sextant_shortcut_backward_create: `src` is diff_src, `dst` diff_dst.
struct shortcut_backward_problem : sextant_shortcut {
    int32_t accumulate;
};

struct shortcut_backward_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<shortcut_backward_problem, shortcut_backward_parameters>> shortcut_backward_implementations();

}  // namespace sextant
