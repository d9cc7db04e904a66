// SPDX-License-Identifier: Apache-2.0
// The ordered lists of convolutions on CUDA devices.
#include "conv2d/mma.h"
#include "conv2d/simt.h"

namespace sextant::cuda {

list<sextant_conv2d, conv2d_parameters> implementations(const sextant_conv2d&, const conv2d_parameters&) {
    static const implementation<sextant_conv2d, conv2d_parameters> entries[] = {
        {"cuda_conv2d_mma", conv2d_mma_declines, create_conv2d_mma, float_dtypes},
        {"cuda_conv2d_simt", conv2d_simt_declines, create_conv2d_simt, float_dtypes},
    };
    return entries;
}

list<conv2d_forward_problem, conv2d_forward_parameters> implementations(const conv2d_forward_problem&,
                                                                        const conv2d_forward_parameters&) {
    static const implementation<conv2d_forward_problem, conv2d_forward_parameters> entries[] = {
        {"cuda_conv2d_mma", conv2d_forward_mma_declines, create_conv2d_forward_mma, float_dtypes},
        {"cuda_conv2d_simt", conv2d_forward_simt_declines, create_conv2d_forward_simt, float_dtypes},
    };
    return entries;
}

list<conv2d_backward_data_problem, conv2d_backward_data_parameters> implementations(const conv2d_backward_data_problem&,
                                                                                    const conv2d_backward_data_parameters&) {
    static const implementation<conv2d_backward_data_problem, conv2d_backward_data_parameters> entries[] = {
        {"cuda_conv2d_backward_data_mma", conv2d_backward_data_mma_declines, create_conv2d_backward_data_mma, float_dtypes},
        {"cuda_conv2d_backward_data_simt", conv2d_backward_data_simt_declines, create_conv2d_backward_data_simt, float_dtypes},
    };
    return entries;
}

list<conv2d_backward_weights, conv2d_backward_weights_parameters> implementations(const conv2d_backward_weights&,
                                                                                  const conv2d_backward_weights_parameters&) {
    static const implementation<conv2d_backward_weights, conv2d_backward_weights_parameters> entries[] = {
        {"cuda_conv2d_backward_weights_mma", conv2d_backward_weights_mma_declines, create_conv2d_backward_weights_mma,
         float_dtypes},
        {"cuda_conv2d_backward_weights_simt", conv2d_backward_weights_simt_declines, create_conv2d_backward_weights_simt,
         float_dtypes},
    };
    return entries;
}

}  // namespace sextant::cuda
