// SPDX-License-Identifier: Apache-2.0
// The gradient of an activation function, told by its result.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct activation_backward_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_activation_backward, activation_backward_parameters>>
activation_backward_implementations();

}  // namespace sextant
