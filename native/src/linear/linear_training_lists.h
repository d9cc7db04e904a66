// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another about training: the creators that the ordered lists name, and the kernels of
// each instruction set.
#pragma once
#include "linear/linear_training.h"
#include "linear/training_kernels.h"

namespace sextant {

/// Inputs of one image.
inline int64_t inputs_of(const sextant_linear& a) { return int64_t{a.src.c} * a.src.h * a.src.w; }
inline int64_t linear_training_flops(const sextant_linear& a) { return 2 * int64_t{a.dst.n} * a.dst.c * inputs_of(a); }

std::unique_ptr<op> create_linear_forward(const linear_forward_problem&, const linear_training_kernels&);
std::unique_ptr<op> create_linear_backward_data(const linear_backward_data_problem&, const linear_training_kernels&);
std::unique_ptr<op> create_linear_backward_weights(const linear_backward_weights_problem&, const linear_training_kernels&);

std::unique_ptr<op> create_linear_forward_reference(const linear_forward_problem&, const linear_training_parameters&,
                                                    const device_traits&);
std::unique_ptr<op> create_linear_backward_data_reference(const linear_backward_data_problem&, const linear_training_parameters&,
                                                          const device_traits&);
std::unique_ptr<op> create_linear_backward_weights_reference(const linear_backward_weights_problem&,
                                                             const linear_training_parameters&, const device_traits&);

}  // namespace sextant
