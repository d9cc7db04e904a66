// SPDX-License-Identifier: Apache-2.0
// The ordered lists of CUDA implementations, found by the types of problem and parameters; each in its operation's folder.
#pragma once
#include "cuda/op.h"
#include "runtime/accelerator.h"

namespace sextant::cuda {

template <class Problem, class Parameters>
using list = std::span<const implementation<Problem, Parameters>>;

list<sextant_conv2d, conv2d_parameters> implementations(const sextant_conv2d&, const conv2d_parameters&);
list<conv2d_forward_problem, conv2d_forward_parameters> implementations(const conv2d_forward_problem&,
                                                                        const conv2d_forward_parameters&);
list<conv2d_backward_data_problem, conv2d_backward_data_parameters> implementations(const conv2d_backward_data_problem&,
                                                                                    const conv2d_backward_data_parameters&);
list<conv2d_backward_weights, conv2d_backward_weights_parameters> implementations(const conv2d_backward_weights&,
                                                                                  const conv2d_backward_weights_parameters&);
list<sextant_linear, linear_parameters> implementations(const sextant_linear&, const linear_parameters&);
list<linear_forward_problem, linear_training_parameters> implementations(const linear_forward_problem&,
                                                                         const linear_training_parameters&);
list<linear_backward_data_problem, linear_training_parameters> implementations(const linear_backward_data_problem&,
                                                                               const linear_training_parameters&);
list<linear_backward_weights_problem, linear_training_parameters> implementations(const linear_backward_weights_problem&,
                                                                                  const linear_training_parameters&);
list<sextant_pool2d, pool2d_parameters> implementations(const sextant_pool2d&, const pool2d_parameters&);
list<sextant_pool2d_backward, pool2d_backward_parameters> implementations(const sextant_pool2d_backward&,
                                                                          const pool2d_backward_parameters&);
list<sextant_lrn, lrn_parameters> implementations(const sextant_lrn&, const lrn_parameters&);
list<sextant_lrn_backward, lrn_backward_parameters> implementations(const sextant_lrn_backward&, const lrn_backward_parameters&);
list<sextant_batch_norm, batch_norm_parameters> implementations(const sextant_batch_norm&, const batch_norm_parameters&);
list<sextant_batch_norm_forward, batch_norm_forward_parameters> implementations(const sextant_batch_norm_forward&,
                                                                                const batch_norm_forward_parameters&);
list<sextant_batch_norm_backward, batch_norm_backward_parameters> implementations(const sextant_batch_norm_backward&,
                                                                                  const batch_norm_backward_parameters&);
list<sextant_eltwise, eltwise_parameters> implementations(const sextant_eltwise&, const eltwise_parameters&);
list<sextant_activation_backward, activation_backward_parameters> implementations(const sextant_activation_backward&,
                                                                                  const activation_backward_parameters&);
list<sextant_softmax, softmax_parameters> implementations(const sextant_softmax&, const softmax_parameters&);
list<concat_problem, concat_parameters> implementations(const concat_problem&, const concat_parameters&);
list<split_problem, split_parameters> implementations(const split_problem&, const split_parameters&);
list<reorder_problem, reorder_parameters> implementations(const reorder_problem&, const reorder_parameters&);
list<sextant_shortcut, shortcut_parameters> implementations(const sextant_shortcut&, const shortcut_parameters&);
list<shortcut_backward_problem, shortcut_backward_parameters> implementations(const shortcut_backward_problem&,
                                                                              const shortcut_backward_parameters&);
list<sextant_dropout, dropout_parameters> implementations(const sextant_dropout&, const dropout_parameters&);
list<sextant_cross_entropy, cross_entropy_parameters> implementations(const sextant_cross_entropy&, const cross_entropy_parameters&);
list<gradient_norm_problem, gradient_norm_parameters> implementations(const gradient_norm_problem&,
                                                                      const gradient_norm_parameters&);
list<sextant_optimizer, optimizer_parameters> implementations(const sextant_optimizer&, const optimizer_parameters&);

}  // namespace sextant::cuda
