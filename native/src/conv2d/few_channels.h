// SPDX-License-Identifier: Apache-2.0
// Convolution between few channels: what the ordered list names.
#pragma once
#include "cuda/lists.h"

namespace sextant::cuda {

std::string few_channels_declines(const sextant_conv2d&, const traits&);
std::unique_ptr<op> create_few_channels(const sextant_conv2d&, const conv2d_parameters&, const traits&);

}  // namespace sextant::cuda
