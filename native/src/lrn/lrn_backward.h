// SPDX-License-Identifier: Apache-2.0
// The gradient of local response normalisation.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct lrn_backward_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_lrn_backward, lrn_backward_parameters>> lrn_backward_implementations();

}  // namespace sextant
