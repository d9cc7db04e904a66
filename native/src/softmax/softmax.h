// SPDX-License-Identifier: Apache-2.0
// Softmax over channels, and its logarithm.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct softmax_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_softmax, softmax_parameters>> softmax_implementations();

}  // namespace sextant
