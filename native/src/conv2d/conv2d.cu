// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<sextant_conv2d, conv2d_parameters> implementations(const sextant_conv2d&, const conv2d_parameters&) { return {}; }
list<conv2d_forward_problem, conv2d_forward_parameters> implementations(const conv2d_forward_problem&, const conv2d_forward_parameters&) { return {}; }
list<conv2d_backward_data_problem, conv2d_backward_data_parameters> implementations(const conv2d_backward_data_problem&, const conv2d_backward_data_parameters&) { return {}; }
list<conv2d_backward_weights, conv2d_backward_weights_parameters> implementations(const conv2d_backward_weights&, const conv2d_backward_weights_parameters&) { return {}; }

}  // namespace sextant::cuda
