// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<sextant_lrn, lrn_parameters> implementations(const sextant_lrn&, const lrn_parameters&) { return {}; }
list<sextant_lrn_backward, lrn_backward_parameters> implementations(const sextant_lrn_backward&, const lrn_backward_parameters&) { return {}; }

}  // namespace sextant::cuda
