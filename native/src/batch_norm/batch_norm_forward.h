// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with the batch's own statistics.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct batch_norm_forward_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_batch_norm_forward, batch_norm_forward_parameters>> batch_norm_forward_implementations();

}  // namespace sextant
