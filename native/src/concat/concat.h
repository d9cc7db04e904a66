// SPDX-License-Identifier: Apache-2.0
// Concatenation over channels by copying.
#pragma once
#include <span>
#include <vector>

#include "runtime/op.h"

namespace sextant {

/// The arguments of sextant_concat_create.
struct concat_problem {
    std::vector<sextant_tensor> sources;
    sextant_tensor dst;
};

struct concat_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<concat_problem, concat_parameters>> concat_implementations();

}  // namespace sextant
