// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include <cmath>
#include <limits>

#include "optimizer/optimizer.h"
#include "optimizer/optimizer_kernels.h"
#include "runtime/training_state.h"

namespace sextant {

inline int64_t optimizer_flops(const sextant_optimizer& a) { return (a.kind == SEXTANT_SGD ? 6 : 14) * a.count; }

/// What gradients are multiplied with. A norm that is no finite number makes all parameters NaN: scaled to nothing, the fault
/// would pass unseen.
inline float optimizer_clip(const sextant_optimizer& a, const sextant_training_state& state) {
    if (a.largest_norm == 0) return 1;
    if (!std::isfinite(state.gradient_norm)) return std::numeric_limits<float>::quiet_NaN();
    return state.gradient_norm > a.largest_norm ? a.largest_norm / state.gradient_norm : 1;
}

std::unique_ptr<op> create_optimizer(const sextant_optimizer&, const optimizer_parameters&, const optimizer_kernels&);
std::unique_ptr<op> create_optimizer_reference(const sextant_optimizer&, const optimizer_parameters&, const device_traits&);

}  // namespace sextant
