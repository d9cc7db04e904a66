// SPDX-License-Identifier: Apache-2.0
// Convolution: the problem is sextant_conv2d (sextant.h), this is its ordered list of implementations.
#pragma once
#include <span>

#include "conv2d/binding.h"
#include "runtime/op.h"

namespace sextant {

/// The arrays that come with a problem; read during creation only.
struct conv2d_parameters {
    const float* weights;    // k x (c / groups) x r x s
    const float* bias;       // k, or null
    const float* pre_scale;  // c, null unless problem.pre_activation
    const float* pre_shift;
    const conv2d_binding* binding = nullptr;  // of weights and bias that are operands; the pointers above are null then
};

using conv2d_implementation = implementation<sextant_conv2d, conv2d_parameters>;

/// Best first, the plain-loop reference last.
std::span<const conv2d_implementation> conv2d_implementations();

/// Those that read weights in each run: the same, but what packing them takes counts.
std::span<const conv2d_implementation> conv2d_forward_implementations();
std::unique_ptr<op> create_conv2d_forward(const sextant_conv2d&, bool has_bias, const device_traits&, const char* wanted);

/// The problem is the convolution's, with the layout of diff_src as `src` and of diff_dst as `dst`.
struct conv2d_backward_data_problem : sextant_conv2d {
    bool accumulate;
};
struct conv2d_backward_data_parameters {};

using conv2d_backward_data_implementation = implementation<conv2d_backward_data_problem, conv2d_backward_data_parameters>;

std::span<const conv2d_backward_data_implementation> conv2d_backward_data_implementations();

}  // namespace sextant
