// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<sextant_dropout, dropout_parameters> implementations(const sextant_dropout&, const dropout_parameters&) { return {}; }

}  // namespace sextant::cuda
