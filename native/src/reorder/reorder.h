// SPDX-License-Identifier: Apache-2.0
// Copies into another layout, halo or slice.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// The arguments of sextant_reorder_create.
struct reorder_problem {
    sextant_tensor src;
    sextant_tensor dst;
};

struct reorder_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<reorder_problem, reorder_parameters>> reorder_implementations();

}  // namespace sextant
