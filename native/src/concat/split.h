// SPDX-License-Identifier: Apache-2.0
// The reverse of concatenation: channels copied to several tensors.
#pragma once
#include <span>
#include <vector>

#include "runtime/op.h"

namespace sextant {

/// The arguments of sextant_split_create.
struct split_problem {
    sextant_tensor src;
    std::vector<sextant_tensor> destinations;
};

struct split_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<split_problem, split_parameters>> split_implementations();

}  // namespace sextant
