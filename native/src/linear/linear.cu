// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<sextant_linear, linear_parameters> implementations(const sextant_linear&, const linear_parameters&) { return {}; }
list<linear_forward_problem, linear_training_parameters> implementations(const linear_forward_problem&, const linear_training_parameters&) { return {}; }
list<linear_backward_data_problem, linear_training_parameters> implementations(const linear_backward_data_problem&, const linear_training_parameters&) { return {}; }
list<linear_backward_weights_problem, linear_training_parameters> implementations(const linear_backward_weights_problem&, const linear_training_parameters&) { return {}; }

}  // namespace sextant::cuda
