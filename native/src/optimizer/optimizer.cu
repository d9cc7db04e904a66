// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<gradient_norm_problem, gradient_norm_parameters> implementations(const gradient_norm_problem&, const gradient_norm_parameters&) { return {}; }
list<sextant_optimizer, optimizer_parameters> implementations(const sextant_optimizer&, const optimizer_parameters&) { return {}; }

}  // namespace sextant::cuda
