// SPDX-License-Identifier: Apache-2.0
// The parameter-free shortcut of CIFAR ResNets, option A.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct shortcut_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_shortcut, shortcut_parameters>> shortcut_implementations();

}  // namespace sextant
