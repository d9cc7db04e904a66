// SPDX-License-Identifier: Apache-2.0
// The gradient of a pool.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct pool2d_backward_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_pool2d_backward, pool2d_backward_parameters>> pool2d_backward_implementations();

}  // namespace sextant
