// SPDX-License-Identifier: Apache-2.0
// Fully connected layers in training: weights are an operand, plain rows of k x i, and never repacked.
#pragma once
#include <span>

#include "runtime/op.h"

namespace sextant {

/// The arguments of sextant_linear_forward_create, ...: `src` is diff_src and `dst` diff_dst where the header says so.
struct linear_forward_problem : sextant_linear {
    int32_t has_bias;
};
struct linear_backward_data_problem : sextant_linear {
    int32_t accumulate;
};
struct linear_backward_weights_problem : sextant_linear {
    int32_t has_bias;
};

struct linear_training_parameters {};

/// Best first, the plain-loop references last.
std::span<const implementation<linear_forward_problem, linear_training_parameters>> linear_forward_implementations();
std::span<const implementation<linear_backward_data_problem, linear_training_parameters>> linear_backward_data_implementations();
std::span<const implementation<linear_backward_weights_problem, linear_training_parameters>>
linear_backward_weights_implementations();

}  // namespace sextant
