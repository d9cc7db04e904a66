// SPDX-License-Identifier: Apache-2.0
// The ordered lists of a CUDA device's convolutions: Hopper's tensor cores, anybody's tensor cores, plain arithmetic.
#include "conv2d/few_channels.h"
#include "conv2d/mma.h"
#include "conv2d/simt.h"
#include "conv2d/wgmma.h"

namespace sextant::cuda {

list<sextant_conv2d, conv2d_parameters> implementations(const sextant_conv2d&, const conv2d_parameters&) {
    static constexpr implementation<sextant_conv2d, conv2d_parameters> all[] = {
        {"cuda_conv2d_few_channels", few_channels_declines, create_few_channels, float_dtypes},
        wgmma_entry<wgmma_product::any>("cuda_conv2d_wgmma"),
        wgmma_entry<0>("cuda_conv2d_wgmma_128x256"),
        wgmma_entry<1>("cuda_conv2d_wgmma_256x128"),
        wgmma_entry<2>("cuda_conv2d_wgmma_128x128"),
        wgmma_entry<3>("cuda_conv2d_wgmma_128x64"),
        wgmma_entry<4>("cuda_conv2d_wgmma_128x32"),
        wgmma_entry<5>("cuda_conv2d_wgmma_64x128"),
        wgmma_entry<6>("cuda_conv2d_wgmma_64x64"),
        wgmma_entry<7>("cuda_conv2d_wgmma_64x32"),
        {"cuda_conv2d_mma", conv2d_mma_declines, create_conv2d_mma, float_dtypes},
        {"cuda_conv2d_simt", conv2d_simt_declines, create_conv2d_simt, float_dtypes},
    };
    return all;
}

list<conv2d_forward_problem, conv2d_forward_parameters> implementations(const conv2d_forward_problem&,
                                                                        const conv2d_forward_parameters&) {
    static constexpr implementation<conv2d_forward_problem, conv2d_forward_parameters> all[] = {
        {"cuda_conv2d_wgmma", wgmma_forward_declines, create_wgmma_forward, float_dtypes},
        {"cuda_conv2d_mma", conv2d_forward_mma_declines, create_conv2d_forward_mma, float_dtypes},
        {"cuda_conv2d_simt", conv2d_forward_simt_declines, create_conv2d_forward_simt, float_dtypes},
    };
    return all;
}

list<conv2d_backward_data_problem, conv2d_backward_data_parameters> implementations(const conv2d_backward_data_problem&,
                                                                                    const conv2d_backward_data_parameters&) {
    static constexpr implementation<conv2d_backward_data_problem, conv2d_backward_data_parameters> all[] = {
        {"cuda_conv2d_backward_data_wgmma", wgmma_backward_data_declines, create_wgmma_backward_data, float_dtypes},
        {"cuda_conv2d_backward_data_mma", conv2d_backward_data_mma_declines, create_conv2d_backward_data_mma, float_dtypes},
        {"cuda_conv2d_backward_data_simt", conv2d_backward_data_simt_declines, create_conv2d_backward_data_simt, float_dtypes},
    };
    return all;
}

list<conv2d_backward_weights, conv2d_backward_weights_parameters> implementations(const conv2d_backward_weights&,
                                                                                  const conv2d_backward_weights_parameters&) {
    static constexpr implementation<conv2d_backward_weights, conv2d_backward_weights_parameters> all[] = {
        {"cuda_conv2d_backward_weights_wgmma", wgmma_backward_weights_declines, create_wgmma_backward_weights, float_dtypes},
        {"cuda_conv2d_backward_weights_mma", conv2d_backward_weights_mma_declines, create_conv2d_backward_weights_mma, float_dtypes},
        {"cuda_conv2d_backward_weights_simt", conv2d_backward_weights_simt_declines, create_conv2d_backward_weights_simt,
         float_dtypes},
    };
    return all;
}

}  // namespace sextant::cuda
