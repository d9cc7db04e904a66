// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<sextant_batch_norm_forward, batch_norm_forward_parameters> implementations(const sextant_batch_norm_forward&, const batch_norm_forward_parameters&) { return {}; }
list<sextant_batch_norm_backward, batch_norm_backward_parameters> implementations(const sextant_batch_norm_backward&, const batch_norm_backward_parameters&) { return {}; }

}  // namespace sextant::cuda
