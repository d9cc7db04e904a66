// SPDX-License-Identifier: Apache-2.0
// The loss of a classifier and its gradient.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct cross_entropy_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_cross_entropy, cross_entropy_parameters>> cross_entropy_implementations();

}  // namespace sextant
