// SPDX-License-Identifier: Apache-2.0
// Convolutions in float32 multiply-adds: any layouts, element types and shapes (simt.cuh).
#pragma once
#include "cuda/lists.h"

namespace sextant::cuda {

std::string conv2d_simt_declines(const sextant_conv2d&, const traits&);
std::unique_ptr<op> create_conv2d_simt(const sextant_conv2d&, const conv2d_parameters&, const traits&);

std::string conv2d_forward_simt_declines(const conv2d_forward_problem&, const traits&);
std::unique_ptr<op> create_conv2d_forward_simt(const conv2d_forward_problem&, const conv2d_forward_parameters&, const traits&);

std::string conv2d_backward_data_simt_declines(const conv2d_backward_data_problem&, const traits&);
std::unique_ptr<op> create_conv2d_backward_data_simt(const conv2d_backward_data_problem&,
                                                     const conv2d_backward_data_parameters&, const traits&);

std::string conv2d_backward_weights_simt_declines(const conv2d_backward_weights&, const traits&);
std::unique_ptr<op> create_conv2d_backward_weights_simt(const conv2d_backward_weights&,
                                                        const conv2d_backward_weights_parameters&, const traits&);

}  // namespace sextant::cuda
