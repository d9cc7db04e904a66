// SPDX-License-Identifier: Apache-2.0
// Fully connected: the problem is sextant_linear (sextant.h), this is its ordered list of implementations.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// The arrays that come with a problem; read during creation only.
struct linear_parameters {
    const float* weights;  // k x (c * h * w)
    const float* bias;     // k, or null
};

using linear_implementation = implementation<sextant_linear, linear_parameters>;

/// Best first, the plain-loop reference last.
std::span<const linear_implementation> linear_implementations();

}  // namespace sextant
