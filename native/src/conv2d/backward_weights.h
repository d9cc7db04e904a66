// SPDX-License-Identifier: Apache-2.0
// The gradients of a convolution's parameters: src and diff_dst in, [diff_bias and] diff_weights out; its ordered list.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

struct conv2d_backward_weights {
    sextant_conv2d forward;  // its dst is diff_dst
    int32_t has_bias;
};

struct conv2d_backward_weights_parameters {};

using conv2d_backward_weights_implementation = implementation<conv2d_backward_weights, conv2d_backward_weights_parameters>;

/// Best first, the plain-loop reference last.
std::span<const conv2d_backward_weights_implementation> conv2d_backward_weights_implementations();

/// k x (c / groups) x r x s.
inline sextant_tensor weights_tensor(const sextant_conv2d& a) {
    return parameter_tensor(a.dst.c, a.src.c / a.groups, a.r, a.s);
}

}  // namespace sextant
