// SPDX-License-Identifier: Apache-2.0
// Convolutions and fully connected layers on Hopper's tensor cores: what their ordered lists name.
#pragma once
#include "conv2d/wgmma_product.h"
#include "cuda/lists.h"

namespace sextant::cuda {

/// @param variant of wgmma_product's tiles
std::string wgmma_declines(const sextant_conv2d&, const traits&, int variant);
std::unique_ptr<op> create_wgmma(const sextant_conv2d&, const conv2d_parameters&, const traits&, int variant);

/// An entry of the list.
template <int Variant>
constexpr implementation<sextant_conv2d, conv2d_parameters> wgmma_entry(const char* name) {
    return {name, [](const sextant_conv2d& a, const traits& device) { return wgmma_declines(a, device, Variant); },
            [](const sextant_conv2d& a, const conv2d_parameters& parameters, const traits& device) {
                return create_wgmma(a, parameters, device, Variant);
            },
            float_dtypes};
}

std::string wgmma_forward_declines(const conv2d_forward_problem&, const traits&);
std::unique_ptr<op> create_wgmma_forward(const conv2d_forward_problem&, const conv2d_forward_parameters&, const traits&);

std::string wgmma_backward_data_declines(const conv2d_backward_data_problem&, const traits&);
std::unique_ptr<op> create_wgmma_backward_data(const conv2d_backward_data_problem&, const conv2d_backward_data_parameters&,
                                               const traits&);

std::string wgmma_backward_weights_declines(const conv2d_backward_weights&, const traits&);
std::unique_ptr<op> create_wgmma_backward_weights(const conv2d_backward_weights&, const conv2d_backward_weights_parameters&,
                                                  const traits&);

std::string wgmma_linear_declines(const sextant_linear&, const traits&);
std::unique_ptr<op> create_wgmma_linear(const sextant_linear&, const linear_parameters&, const traits&);

}  // namespace sextant::cuda
