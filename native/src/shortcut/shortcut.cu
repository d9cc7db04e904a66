// SPDX-License-Identifier: Apache-2.0
#include "cuda/lists.h"

namespace sextant::cuda {

list<sextant_shortcut, shortcut_parameters> implementations(const sextant_shortcut&, const shortcut_parameters&) { return {}; }
list<shortcut_backward_problem, shortcut_backward_parameters> implementations(const shortcut_backward_problem&, const shortcut_backward_parameters&) { return {}; }

}  // namespace sextant::cuda
