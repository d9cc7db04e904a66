// SPDX-License-Identifier: Apache-2.0
// The gradient of batch normalisation.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct batch_norm_backward_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_batch_norm_backward, batch_norm_backward_parameters>>
batch_norm_backward_implementations();

}  // namespace sextant
