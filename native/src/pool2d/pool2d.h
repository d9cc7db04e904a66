// SPDX-License-Identifier: Apache-2.0
// Pooling over windows and whole planes.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// The arrays that come with a problem; read during creation only.
struct pool2d_parameters {
    const float* pre_scale = nullptr;  // c, null unless problem.pre_activation
    const float* pre_shift = nullptr;
};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_pool2d, pool2d_parameters>> pool2d_implementations();

}  // namespace sextant
