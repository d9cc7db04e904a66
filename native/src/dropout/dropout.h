// SPDX-License-Identifier: Apache-2.0
// Dropout with counter-based random numbers.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct dropout_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_dropout, dropout_parameters>> dropout_implementations();

}  // namespace sextant
