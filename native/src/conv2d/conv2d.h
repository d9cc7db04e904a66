// SPDX-License-Identifier: Apache-2.0
// Convolution: the problem is sextant_conv2d (sextant.h), this is its ordered list of implementations.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// The arrays that come with a problem; read during creation only.
struct conv2d_parameters {
    const float* weights;    // k x (c / groups) x r x s
    const float* bias;       // k, or null
    const float* pre_scale;  // c, null unless problem.pre_activation
    const float* pre_shift;
};

using conv2d_implementation = implementation<sextant_conv2d, conv2d_parameters>;

/// Best first, the plain-loop reference last.
std::span<const conv2d_implementation> conv2d_implementations();

}  // namespace sextant
