// SPDX-License-Identifier: Apache-2.0
// The Euclidean norm of all gradients.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// The arguments of sextant_gradient_norm_create.
struct gradient_norm_problem {
    int64_t count;
};

struct gradient_norm_parameters {};

/// Best first, the plain-loop reference last.
std::span<const implementation<gradient_norm_problem, gradient_norm_parameters>> gradient_norm_implementations();

}  // namespace sextant
