// SPDX-License-Identifier: Apache-2.0
// Activation, and addition of two tensors with an activation behind it.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct eltwise_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_eltwise, eltwise_parameters>> eltwise_implementations();

}  // namespace sextant
