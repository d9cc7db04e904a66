// SPDX-License-Identifier: Apache-2.0
#include "linear/linear_training.h"

#include "linear/linear_training_lists.h"

namespace sextant {
namespace {

template <class Problem>
std::string accepts(const Problem&, const device_traits&) {
    return {};
}

constexpr implementation<linear_forward_problem, linear_training_parameters> forward[] = {
    {"linear_forward_reference", accepts<linear_forward_problem>, create_linear_forward_reference, every_dtype},
};

constexpr implementation<linear_backward_data_problem, linear_training_parameters> backward_data[] = {
    {"linear_backward_data_reference", accepts<linear_backward_data_problem>, create_linear_backward_data_reference, every_dtype},
};

constexpr implementation<linear_backward_weights_problem, linear_training_parameters> backward_weights[] = {
    {"linear_backward_weights_reference", accepts<linear_backward_weights_problem>, create_linear_backward_weights_reference,
     every_dtype},
};

}  // namespace

std::span<const implementation<linear_forward_problem, linear_training_parameters>> linear_forward_implementations() {
    return forward;
}
std::span<const implementation<linear_backward_data_problem, linear_training_parameters>>
linear_backward_data_implementations() {
    return backward_data;
}
std::span<const implementation<linear_backward_weights_problem, linear_training_parameters>>
linear_backward_weights_implementations() {
    return backward_weights;
}

}  // namespace sextant
