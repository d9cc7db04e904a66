// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with given statistics: a scale and a shift per channel.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// c values each; read during creation only.
struct batch_norm_parameters {
    const float* scale;
    const float* shift;
};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_batch_norm, batch_norm_parameters>> batch_norm_implementations();

}  // namespace sextant
