// SPDX-License-Identifier: Apache-2.0
// Pooling over windows and whole planes.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct pool2d_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_pool2d, pool2d_parameters>> pool2d_implementations();

}  // namespace sextant
