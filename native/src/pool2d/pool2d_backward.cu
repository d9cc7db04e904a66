// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<sextant_pool2d_backward, pool2d_backward_parameters> implementations(const sextant_pool2d_backward&, const pool2d_backward_parameters&) { return {}; }

}  // namespace sextant::cuda
