// SPDX-License-Identifier: Apache-2.0
// Steps of stochastic gradient descent and AdamW.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct optimizer_parameters {
    const int64_t* undecayed;  // pairs of first index and end; read during creation only
    int32_t ranges;
};

/// Best first, the plain-loop reference last.
std::span<const implementation<sextant_optimizer, optimizer_parameters>> optimizer_implementations();

}  // namespace sextant
