// SPDX-License-Identifier: Apache-2.0
// Local response normalisation across channels.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct lrn_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_lrn, lrn_parameters>> lrn_implementations();

}  // namespace sextant
