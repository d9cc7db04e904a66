// SPDX-License-Identifier: Apache-2.0
// Convolutions on tensor cores, bf16, fp16 and tf32 in SEXTANT_NHWC (mma.cuh).
#pragma once
#include "cuda/lists.h"

namespace sextant::cuda {

std::string conv2d_mma_declines(const sextant_conv2d&, const traits&);
std::unique_ptr<op> create_conv2d_mma(const sextant_conv2d&, const conv2d_parameters&, const traits&);

std::string conv2d_forward_mma_declines(const conv2d_forward_problem&, const traits&);
std::unique_ptr<op> create_conv2d_forward_mma(const conv2d_forward_problem&, const conv2d_forward_parameters&, const traits&);

std::string conv2d_backward_data_mma_declines(const conv2d_backward_data_problem&, const traits&);
std::unique_ptr<op> create_conv2d_backward_data_mma(const conv2d_backward_data_problem&, const conv2d_backward_data_parameters&,
                                                    const traits&);

std::string conv2d_backward_weights_mma_declines(const conv2d_backward_weights&, const traits&);
std::unique_ptr<op> create_conv2d_backward_weights_mma(const conv2d_backward_weights&,
                                                       const conv2d_backward_weights_parameters&, const traits&);

}  // namespace sextant::cuda
